from expected import FOLDER, compare
from pycocotools.coco import COCO

coco = COCO(str(FOLDER / "coco.json"))
found = [
    (coco.imgs[each["image_id"]]["file_name"], coco.cats[each["category_id"]]["name"], each["bbox"], each["area"])
    for each in coco.anns.values()
]
compare(found, len(coco.imgs), "COCO")
