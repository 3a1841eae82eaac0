"""From the files of an export to tables: recognise, open archives, then one reader a format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.gc import collector_off
from labellerr_ds.core.hint import DOWNLOAD_AGAIN, call
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import Source
from labellerr_ds.formats.archive import Member, members
from labellerr_ds.formats.coco_json.read import read_coco_json
from labellerr_ds.formats.csv.read import read_csv, shape_columns
from labellerr_ds.formats.native_json.read import read_native_json
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.parquet.detect import is_parquet
from labellerr_ds.formats.parquet.read import read_parquet
from labellerr_ds.formats.png.read import read_masks
from labellerr_ds.formats.recognise import format_of, recognise, refuse_frames, refuse_others
from labellerr_ds.frames.merge import merge, report
from labellerr_ds.frames.tables import Tables, with_status

_READERS = {"json": read_native_json, "coco_json": read_coco_json, "csv": read_csv}


def read_tables(source: Source, options: ReadOptions, *, strict: bool = False) -> Tables:
    """An export as finished tables; a folder that `Dataset.to_parquet` wrote is read as it is.

    Parameters
    ----------
    source : Source
    options : ReadOptions
    strict : bool
        Raise where something was not understood.

    Raises
    ------
    ReadError
        Where it is not the format, cut short, or holds nothing that can be read.
    """
    if is_parquet(source.paths):
        tables = read_parquet(source)
        if strict:  # else what it tells was told when it was written
            report(tables.issues, Counter(), source=source.name, strict=True)
        return tables
    with collector_off():
        tables = merge(list(read_batches(source, options)))
    report(tables.issues, tables.unknown_keys, source=source.name, strict=strict)
    return tables


def read_batches(source: Source, options: ReadOptions) -> Iterator[Tables]:
    """The batches of an export, in order and not finished: see `labellerr_ds.frames.merge`.

    Parameters
    ----------
    source : Source
    options : ReadOptions

    Raises
    ------
    ReadError
        As `read_tables`.
    """
    with ExitStack() as kept:
        inside, kinds, form = opened(source, options.format, kept, options.limits)
        info = {"format": form, "source": source.name}
        try:
            for batch in _read(form, inside, kinds, options):
                files = batch.files if options.status is None else with_status(batch.files, options.status)
                yield replace(batch, files=files, info={**info, **batch.info})
        except RecursionError:  # a cell of a table
            raise ReadError(f"{source.name}: a value in it is nested too deep.") from None
        except MemoryError:
            raise ReadError(
                f"{source.name}: not enough memory to read it.", hint=call("lds.scan_export(path)")
            ) from None


def opened(
    source: Source, wanted: str | None, kept: ExitStack, limits: Limits
) -> tuple[list[Member], list[str | None], str]:
    """The files of an export, archives opened, the format of each, and the one to read.

    Parameters
    ----------
    source : Source
    wanted : str or None
        The format that was asked for.
    kept : ExitStack
        Closes what stays open.
    limits : Limits

    Raises
    ------
    ReadError
        As `read_tables`.
    """
    inside = members(source, kept, limits)
    kinds = [recognise(member) for member in inside]
    refuse_frames(source.name, inside)
    refuse_others(source.name, inside, kinds)
    form = format_of(source.name, inside, kinds, wanted)
    for member, kind in zip(inside, kinds, strict=True) if form != "png" else ():
        if kind is None and (not member.head or member.name.lower().endswith((".json", ".csv"))):
            raise ReadError(f"{source.name}: {member.name} in it is empty or damaged.", hint=DOWNLOAD_AGAIN)
    return inside, kinds, form


def _read(form: str, inside: list[Member], kinds: list[str | None], options: ReadOptions) -> Iterator[Tables]:
    if form == "png":
        masks: list[Member] = []
        others: list[Member] = []
        for member, kind in zip(inside, kinds, strict=True):
            (masks if kind == "png" or member.name.lower().endswith(".png") else others).append(member)
        yield from read_masks(masks, others, options)
        return
    mine = [member for member, kind in zip(inside, kinds, strict=True) if kind == form]
    if form == "csv" and len(mine) > 1 and options.categories is None:
        options = replace(options, shape_columns=options.shape_columns.union(*map(shape_columns, mine)))
    for part, member in enumerate(mine):
        yield from _READERS[form](member, part, options)
