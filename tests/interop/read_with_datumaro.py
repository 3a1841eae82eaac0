import shutil

import datumaro as dm
from expected import FOLDER, compare

root = FOLDER / "datumaro"
(root / "annotations").mkdir(parents=True)
shutil.copy(FOLDER / "coco.json", root / "annotations" / "instances_train.json")
(root / "images").mkdir()
shutil.copytree(FOLDER / "images", root / "images" / "train")
told = dm.Dataset.import_from(str(root), "coco_instances")
names = [label.name for label in told.categories()[dm.AnnotationType.label]]
found = []
for item in told:
    parts = {}
    for each in item.annotations:
        parts.setdefault(each.group or id(each), []).append(each)
    for group in parts.values():
        # beside a polygon or mask it gives the box as well
        group = [each for each in group if each.type is not dm.AnnotationType.bbox] or group
        boxes = [each.get_bbox() for each in group]
        x, y = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, low = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
        area = sum(each.get_area() for each in group)
        found.append((item.media.path, names[group[0].label], [x, y, right - x, low - y], float(area)))
# of an RLE it tells the box and area of the pixels; ours are told as they came
compare(found, len(told), "COCO", boxes=1.0, areas=0.02)
