"""A path or an ``s3://`` address as the files of an export on this machine's disk."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from labellerr_ds.core.atomic import restore
from labellerr_ds.core.disk import is_stray
from labellerr_ds.core.errors import InvalidArgumentError, ReadError
from labellerr_ds.core.models import S3Object, Source
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.storage.s3 import Bucket, split_url


def locate(path_or_url: str | Path, kept: ExitStack, *, progress: ProgressOption = True) -> Source:
    """The files of an export.

    Parameters
    ----------
    path_or_url : str or Path
        A file, a folder, or ``s3://bucket/key``.
    kept : ExitStack
        Removes what was fetched.
    progress : bool

    Raises
    ------
    InvalidArgumentError
        For anything that is not a path.
    ReadError
        Where there is nothing.
    """
    if not isinstance(path_or_url, str | os.PathLike) or not str(path_or_url):
        raise InvalidArgumentError(f"expected a path or an s3:// address, got {path_or_url!r}.")
    text = str(path_or_url)
    if isinstance(path_or_url, str) and "://" in text:
        scheme = text.split("://", 1)[0]
        if scheme.lower() not in ("s3", "s3a"):
            raise InvalidArgumentError(
                f"cannot read {scheme}:// addresses.", hint="download the file first, and pass its path"
            )
        return _from_bucket(text, kept, progress)
    path = Path(text).expanduser()
    try:
        if not path.exists():
            restore(path)
        if path.exists():
            return Source(path.name, tuple(files_at(path)))
    except OSError as problem:  # also a folder that is just being replaced
        raise ReadError(f"{text!r} cannot be read: {problem.strerror}.") from None
    raise ReadError(f"nothing exists at {text!r}.")


def files_at(path: Path) -> list[tuple[str, Path]]:
    """The files of a path, each with its name within it: the file itself, or all below a folder."""
    if not path.is_dir():
        return [(path.name, path)]
    below = [(each.relative_to(path).as_posix(), each) for each in sorted(path.rglob("*")) if each.is_file()]
    return [(name, each) for name, each in below if not is_stray(name)]


def objects_at(url: str) -> list[tuple[str, S3Object]]:
    """The objects of an ``s3://`` address, each with its name within it: the object itself, or all below a prefix."""
    bucket, key = split_url(url)
    objects = Bucket(bucket).find(key)
    if objects[0].key == key:
        return [(key[key.rfind("/") + 1 :], objects[0])]
    below = key if key.endswith("/") or not key else key + "/"
    named = [(each.key[len(below) :], each) for each in objects]
    kept = [(name, each) for name, each in named if not is_stray(name)]
    if not kept:
        raise ReadError(f"{url} holds only hidden files.")
    return kept


def _from_bucket(url: str, kept: ExitStack, progress: ProgressOption) -> Source:
    bucket, key = split_url(url)
    objects = objects_at(url)
    folder = kept.enter_context(scratched("bucket"))
    # by number: a key may be anything, "../x" too
    paths = [folder / f"{number:06}" for number in range(len(objects))]
    Bucket(bucket).fetch([item for _, item in objects], paths, progress=progress)
    name = key.rstrip("/").rsplit("/", 1)[-1] or bucket
    return Source(name, tuple((own, path) for (own, _), path in zip(objects, paths, strict=True)))
