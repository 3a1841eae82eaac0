"""What the folders of masks are: classes, photographs, or parts of a dataset."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from os.path import commonpath
from pathlib import PurePosixPath

from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.png.detect import LOOKED_AT, is_photograph
from labellerr_ds.formats.png.mask_classes import Classes
from labellerr_ds.formats.png.mask_pixels import Mask, decode_mask
from labellerr_ds.images.files import PICTURES

UUID = re.compile(r"(?:^|_)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$", re.IGNORECASE)
NO_CLASSES = frozenset(
    {
        "train", "training", "val", "valid", "validation", "test", "testing", "masks", "mask", "labels", "label", "png",
        "annotations", "images", "image", "export", "semantic", "instance", "segmentationclass", "segmentationobject",
    }
)  # fmt: skip
"""What folders are called that are no classes, in lower case."""


@dataclass(frozen=True)
class Folders:
    """The masks of an export, and what their folders say.

    Attributes
    ----------
    masks : list of Member
        Without photographs.
    stems : dict
        The name of a mask's file by the mask's path: without folder and ending, but with the folder where masks in
        several of them would be of one name.
    classes : list of str
        The folders that were taken for classes, though no template and no colour map names them.
    endings : dict
        The endings of photographs that lay beside the masks, by the name without it.
    """

    masks: list[Member]
    stems: dict[str, str]
    classes: list[str]
    endings: dict[str, str]


def look_at_folders(masks: list[Member], others: list[Member], classes: Classes) -> Folders:
    """What the folders of masks are; those of classes are added to `classes`."""
    folders: dict[str, list[Member]] = defaultdict(list)
    for member in masks:
        folders[_folder(member)].append(member)
    pictures: list[Member] = []
    if len(folders) > 1:
        pictures = [each for folder in _photographs(folders) for each in folders.pop(folder)]
    guessed = _beside_classes(folders, classes) if classes.are_known else _classes(folders)
    for name in guessed:
        classes.added[name] = (name, None)
        classes.by_folder[name] = name
        classes.order.setdefault(name, len(classes.order))
    kept = [member for member in masks if _folder(member) in folders]
    return Folders(kept, _stems(kept, classes), guessed, _endings([*pictures, *others]))


def _folder(member: Member) -> str:
    return str(PurePosixPath(member.name).parent)


def _photographs(folders: dict[str, list[Member]]) -> list[str]:
    """The folders of photographs, where others are of masks."""
    photographs = [folder for folder, inside in folders.items() if all(map(is_photograph, inside[:LOOKED_AT]))]
    return photographs if len(photographs) < len(folders) else []


def _beside(folders: dict[str, list[Member]]) -> dict[str, set[str]]:
    """The names of folders by the folder that they are in."""
    beside: dict[str, set[str]] = defaultdict(set)
    for folder in folders:
        beside[str(PurePosixPath(folder).parent)].add(PurePosixPath(folder).name)
    return beside


def _beside_classes(folders: dict[str, list[Member]], classes: Classes) -> list[str]:
    """The names of folders beside those of known classes."""
    beside = [names for names in _beside(folders).values() if names & classes.by_folder.keys()]
    return sorted(
        name for name in set().union(*beside) - classes.by_folder.keys() if name and name.lower() not in NO_CLASSES
    )


def _classes(folders: dict[str, list[Member]]) -> list[str]:
    """The names of folders beside each other in each of which every mask shows one thing alone, in one value."""
    beside = _beside(folders)
    if any(len(names) < 2 or any(name.lower() in NO_CLASSES for name in names) for names in beside.values()):
        return []
    looked_at = [decode_mask(member) for inside in folders.values() for member in inside[:LOOKED_AT]]
    if not all(map(_is_of_one, looked_at)) or not any(isinstance(each, Mask) and each.regions for each in looked_at):
        return []
    return sorted(set().union(*beside.values()))


def _is_of_one(mask: Mask | str) -> bool:
    """Whether a mask has nothing but black and white, or 0 and 1."""
    if isinstance(mask, str):
        return True  # damaged, which is told where it is read
    return len(mask.regions) < 2 and all(
        color in (None, (255, 255, 255), (1, 1, 1)) and value in (None, 1, 255) for color, value, _ in mask.regions
    )


def _stems(masks: list[Member], classes: Classes) -> dict[str, str]:
    homes: dict[str, tuple[str, ...]] = {}
    for member in masks:
        parts = PurePosixPath(member.name).parts[:-1]
        homes[member.name] = parts[:-1] if parts and parts[-1] in classes.by_folder else parts
    shared = len(PurePosixPath(commonpath(["/".join(home) for home in homes.values()])).parts) if homes else 0
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name in homes:
        by_stem[_stem(name)].append(name)
    apart = {stem for stem, names in by_stem.items() if _are_several(stem, names, homes, classes)}
    return {
        name: "/".join((*home[shared:], _stem(name))) if _stem(name) in apart else _stem(name)
        for name, home in homes.items()
    }


def _are_several(stem: str, names: list[str], homes: dict[str, tuple[str, ...]], classes: Classes) -> bool:
    """Whether masks of one name in several folders are of several files: not where an id tells that they are of one.

    Nor where they are of different classes each, as shards of an export have them.
    """
    if len({homes[name] for name in names}) == 1 or UUID.search(stem):
        return False
    inside = [PurePosixPath(name).parent.name for name in names]
    return len(set(inside)) < len(inside) or not all(folder in classes.by_folder for folder in inside)


def _stem(name: str) -> str:
    return PurePosixPath(name).name.rsplit(".", 1)[0]


def _endings(pictures: list[Member]) -> dict[str, str]:
    by_folder: dict[str, set[str]] = defaultdict(set)
    for member in pictures:
        ending = PurePosixPath(member.name).suffix
        if ending.lower() in PICTURES:
            by_folder[_stem(member.name)].add(ending)
    return {stem: endings.pop() for stem, endings in by_folder.items() if len(endings) == 1}
