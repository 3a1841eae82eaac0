"""How many images and annotations a class a library reads of a COCO file; runs where labellerr_ds is not."""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
from collections import Counter

Counts = tuple[int, Counter[str]]


def with_supervision(folder: pathlib.Path) -> Counts:
    import supervision as sv

    told = sv.DetectionDataset.from_coco(str(folder / "images"), str(folder / "coco.json"), force_masks=False)
    return len(told), Counter(told.classes[number] for _, _, each in told for number in each.class_id)


def with_datumaro(folder: pathlib.Path) -> Counts:
    import datumaro as dm

    root = folder / "datumaro"
    (root / "annotations").mkdir(parents=True)
    shutil.copy(folder / "coco.json", root / "annotations" / "instances_train.json")
    shutil.copytree(folder / "images", root / "images" / "train")
    told = dm.Dataset.import_from(str(root), "coco_instances")
    names = [label.name for label in told.categories()[dm.AnnotationType.label]]
    groups = {(item.id, each.group or id(each)): names[each.label] for item in told for each in item.annotations}
    return len(told), Counter(groups.values())


def with_pylabel(folder: pathlib.Path) -> Counts:
    from pylabel import importer

    frame = importer.ImportCoco(str(folder / "coco.json")).df
    names = frame["cat_name"].astype(str)
    return frame["img_filename"].nunique(), Counter(names[(names.str.len() > 0) & frame["ann_bbox_xmin"].notna()])


def main() -> None:
    read, folder = LIBRARIES[sys.argv[1]], pathlib.Path(sys.argv[2])
    told = json.loads((folder / "coco.json").read_text())
    classes = {each["id"]: each["name"] for each in told["categories"]}
    expected = len(told["images"]), Counter(classes[each["category_id"]] for each in told["annotations"])
    found = read(folder)
    assert found == expected, f"found {found}, expected {expected}"
    print(f"{found[0]} images, {sum(found[1].values())} annotations of {len(found[1])} classes")


LIBRARIES = {"supervision": with_supervision, "datumaro": with_datumaro, "pylabel": with_pylabel}

if __name__ == "__main__":
    main()
