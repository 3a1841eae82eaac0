"""Which format a file is, by its content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.hint import DOWNLOAD_AGAIN, argument, call, either
from labellerr_ds.formats.archive import HEAD_BYTES, Member
from labellerr_ds.formats.coco_json.detect import has_labels, is_coco_json
from labellerr_ds.formats.csv.detect import is_csv
from labellerr_ds.formats.native_json.detect import is_native_json
from labellerr_ds.formats.png.detect import LOOKED_AT, is_photograph, is_png
from labellerr_ds.formats.text import as_utf8
from labellerr_ds.formats.voc.detect import is_voc
from labellerr_ds.formats.yolo.detect import is_yolo
from labellerr_ds.images.files import PICTURES

_FRAME = re.compile(
    rb"\A(PAR1|\s*annotation_id,file_id,|\s*file_id,file_name,status,label_state,|\s*file_name,status,(category,type|"
    rb'label_state),)|"label_state":|"bbox_x":'
)


_DETECTORS = {"png": is_png, "json": is_native_json, "coco_json": is_coco_json, "csv": is_csv}


def recognise(member: Member) -> str | None:
    """Return the format of a file by its content: ``json``, ``coco_json``, ``csv`` or ``png``; None for none."""
    return next((name for name, is_of in _DETECTORS.items() if is_of(member)), None)


def format_of(source: str, members: Sequence[Member], kinds: Sequence[str | None], wanted: str | None) -> str:
    """The one format of an export.

    Parameters
    ----------
    source : str
        What the export is called.
    members, kinds
        Its files, and the format of each.
    wanted : str or None
        The format that was asked for.

    Raises
    ------
    ReadError
        Where nothing can be read, or something else than what was asked for.
    """
    seen = {kind for kind in kinds if kind}
    if "png" in seen and wanted in (None, "png"):
        beside = [member.name for member, kind in zip(members, kinds, strict=True) if _is_export(member, kind)]
        if beside and wanted is None:
            raise ReadError(
                f"{source} holds PNG masks and {beside[0]}, which is an export of its own.",
                hint=either(argument("format"), "pass the path of that file"),
            )
        seen = {"png"}  # what else lies beside masks is a color map
    if not members and wanted == "png":
        return wanted
    if not seen:
        raise _nothing(source, members)
    if wanted and wanted not in seen:
        other = sorted(seen)[0]
        raise ReadError(f"{source}: expected {wanted}, got {other}.", hint=argument("format", other))
    if wanted is None:
        refuse_several(seen, source)
    return wanted or next(iter(seen))


def refuse_several(formats: Iterable[str], source: str) -> None:
    """Refuse an export of more than one format.

    Raises
    ------
    ReadError
    """
    names = sorted({*formats})
    if len(names) > 1:
        raise ReadError(f"{source} holds several formats ({', '.join(names)}).", hint=argument("format"))


def _is_export(member: Member, kind: str | None) -> bool:
    """Whether a file is one of labels, and no color map or settings beside masks."""
    if kind == "coco_json":
        return has_labels(member)
    return kind in ("json", "csv")


def refuse_others(source: str, members: Sequence[Member], kinds: Sequence[str | None]) -> None:
    """Refuse folders that are no export, by what they are.

    Raises
    ------
    ReadError
    """
    path = repr(source)
    if any(map(is_yolo, members)):
        raise ReadError(
            f"{source} is a YOLO folder, not an export of Labellerr.",
            hint=call(f"lds.read_yolo({path})"),
            reader="yolo",
        )
    if any(map(is_voc, members)):
        raise ReadError(
            f"{source} is a Pascal VOC folder, not an export of Labellerr.",
            hint=call(f"lds.read_voc({path})"),
            reader="voc",
        )
    images = [member for member in members if PurePosixPath(member.name).suffix.lower() in PICTURES]
    masks = [member for member, kind in zip(members, kinds, strict=True) if kind == "png"]
    if images and set(kinds) <= {None, "png"} and all(map(is_photograph, masks[:LOOKED_AT] + masks[-LOOKED_AT:])):
        raise ReadError(
            f"{source} holds {len(images):,} photographs ({images[0].name}, …) and no labels. Masks have few colors, "
            "and an export has json, csv or PNG masks."
        )


def _nothing(source: str, members: Sequence[Member]) -> ReadError:
    if not members:
        return ReadError(f"{source} holds no files.")
    first = members[0]
    is_page = first.head.lstrip().startswith(b"<")  # as a store sends it for a link that has expired
    what = "is empty (0 bytes)" if not first.head else f"begins with {first.head[:16]!r}"
    return ReadError(
        f"{source}: expected json, coco_json, csv, PNG masks, or a ZIP or gzip of them; {first.name} {what}.",
        hint=DOWNLOAD_AGAIN if is_page else None,
    )


def is_frame(path: Path) -> bool:
    """Whether a file is a frame that was written by itself."""
    with path.open("rb") as file:
        return bool(_FRAME.search(as_utf8(file.read(HEAD_BYTES))))


def refuse_frames(source: str, members: Sequence[Member]) -> None:
    """A frame that was written by itself is not an export: read as one, its labels would be lost in silence.

    Raises
    ------
    ReadError
    """
    for member in members:
        if member.head and _FRAME.search(as_utf8(member.head)):
            where = "" if member.name == source else f": {member.name} in it"
            raise ReadError(
                f"{source}{where} is a table of rows, such as labellerr_ds and its command line write, not an export.",
                hint=call("pandas.read_csv(path)"),
            )
