"""The shards of an export: files that all processes see, and what is known of them before they are read."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from labellerr_ds.core.errors import InvalidArgumentError, ReadError
from labellerr_ds.core.hint import call, either
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import S3Object, Source
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.formats.archive import GZIP, HEAD_BYTES, PNG, ZIP, Member
from labellerr_ds.formats.csv.read import shape_columns
from labellerr_ds.formats.json_windows import open_json
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.png.read import MaskContext, look_at_masks
from labellerr_ds.formats.read import opened
from labellerr_ds.formats.recognise import recognise
from labellerr_ds.storage.s3 import bucket_of, is_s3, split_url
from labellerr_ds.storage.source import files_at, objects_at

ARRAY_BYTES = 1 << 24  # of a JSON array that is cut


class Shard(NamedTuple):
    """A file of an export: on a disk that all processes see, or in a bucket.

    Attributes
    ----------
    name : str
        Within the export.
    path : str or None
    bucket : str or None
    item : S3Object or None
    """

    name: str
    path: str | None
    bucket: str | None = None
    item: S3Object | None = None

    def __str__(self) -> str:
        return self.path or f"s3://{self.bucket}/{self.item.key if self.item else ''}"


def shards_of(urls: str | Path | Sequence[str | Path]) -> list[Shard]:
    """The shards of a folder, a prefix, a file, or several of them, in their order.

    Raises
    ------
    InvalidArgumentError, ReadError
    """
    if isinstance(urls, str | os.PathLike):
        shards = _below(str(urls))
    elif isinstance(urls, Sequence) and urls:
        shards = [shard for url in urls for shard in _below(str(url))]
    else:
        what = "an empty list" if isinstance(urls, Sequence) else type(urls).__name__
        raise InvalidArgumentError(f"urls must be a path or s3:// address, or a list of them; got {what}.")
    if not shards:
        raise ReadError(f"{str(urls)!r} holds no files.")
    return shards


def _below(url: str) -> list[Shard]:
    if is_s3(url):
        bucket, _ = split_url(url)
        return [Shard(name, None, bucket, item) for name, item in objects_at(url)]
    path = Path(url).expanduser()
    if not path.exists():
        hint = either("pass the folder", call("glob.glob(pattern)")) if "*" in url else None
        raise ReadError(f"nothing exists at {url!r}.", hint=hint)
    return [Shard(name, str(each.absolute())) for name, each in files_at(path)]


def cut(source: Source, folder: SharedFolder, limits: Limits) -> list[Shard]:
    """A native json export as shards in a folder: archives are unpacked, and long arrays cut between their elements.

    Parameters
    ----------
    source : Source
        On this machine.
    folder : SharedFolder
        A new one.
    limits : Limits

    Raises
    ------
    ReadError
        Where an archive is damaged, or JSON cut short.
    """
    shards: list[Shard] = []
    with ExitStack() as kept:
        inside, kinds, form = opened(source, "json", kept, limits)
        for member in (member for member, kind in zip(inside, kinds, strict=True) if kind == form):
            with open_json(member, ARRAY_BYTES) as file:
                array, before = file.outline().array, len(shards)
                for _, text in file.texts(array) if array else ():
                    shards.append(_piece(folder, len(shards), text))
                if len(shards) == before:
                    shards.append(_piece(folder, before, b"[]"))
    return shards


def _piece(folder: SharedFolder, number: int, text: bytes | memoryview) -> Shard:
    """A piece, known by what was written: a listing may lag behind, and files that it lacks would pass for deleted."""
    name = f"{number:06}.json"
    with folder.writing(name) as path:
        path.write_bytes(text)
    return Shard(name, *folder.located(name))


def members_of(shards: Sequence[Shard], kept: ExitStack) -> list[tuple[str, Path]]:
    """The files of shards on this machine, each with its name."""
    paths: dict[int, Path] = {place: Path(shard.path) for place, shard in enumerate(shards) if shard.path}
    buckets = dict.fromkeys(shard.bucket for shard in shards if shard.bucket)
    for name in buckets:
        folder = kept.enter_context(scratched("shards"))
        mine = [(place, shard.item) for place, shard in enumerate(shards) if shard.bucket == name and shard.item]
        fetched = [folder / f"{place:06}" for place, _ in mine]
        bucket_of(str(name)).fetch([item for _, item in mine], fetched, progress=False)
        paths.update(zip((place for place, _ in mine), fetched, strict=True))
    return [(shard.name, paths[place]) for place, shard in enumerate(shards)]


def member_at(name: str, path: Path) -> Member:
    """A file as the readers take it."""
    with path.open("rb") as file:
        return Member(name, file.read(HEAD_BYTES), lambda: path.open("rb"))


def is_beside(member: Member, wanted: str | None) -> bool:
    """Whether a file is neither labels of the wanted format nor an archive of them, but a note, say, beside them."""
    if not member.head or member.head.startswith((*ZIP, GZIP)):
        return False
    kind = recognise(member)
    if kind is None:
        return not member.name.lower().endswith((".json", ".csv"))
    return wanted is not None and kind != wanted


def form_of(shard: Shard) -> str | None:
    """The format of a shard; None for an archive, which is known where it is opened."""
    with ExitStack() as kept:
        ((name, path),) = members_of([shard], kept)
        return recognise(member_at(name, path))


def masks_of(shards: Sequence[Shard], options: ReadOptions) -> tuple[list[Shard], MaskContext]:
    """The shards that are masks, and what they say together."""
    by_name = {shard.name: shard for shard in shards}
    listed = [_unread(shard) for shard in shards]
    masks = [member for member in listed if member.head]
    context = look_at_masks(masks, [member for member in listed if not member.head], options)
    kept = [by_name[member.name] for member in context.folders.masks]
    return kept, context._replace(folders=replace(context.folders, masks=[]))


def own_context(context: MaskContext, shards: Sequence[Shard]) -> MaskContext:
    """What some of the masks need of the context."""
    stems = {shard.name: context.folders.stems[shard.name] for shard in shards}
    return context._replace(folders=replace(context.folders, stems=stems))


def _unread(shard: Shard) -> Member:
    """A shard as a file that is fetched when it is opened."""

    def opened() -> BinaryIO:
        with ExitStack() as kept:
            ((_, path),) = members_of([shard], kept)
            return io.BytesIO(path.read_bytes())

    return Member(shard.name, PNG if shard.name.lower().endswith(".png") else b"", opened)


def shape_columns_of(shards: Sequence[Shard]) -> frozenset[str]:
    """The columns with shapes in csv shards without a template."""
    with ExitStack() as kept:
        return frozenset().union(*(shape_columns(member_at(*file)) for file in members_of(shards, kept)))
