"""FiftyOne's COCO reader, without its database: what `COCODetectionDatasetImporter` parses."""

import fiftyone.utils.coco as fouc
from expected import FOLDER, compare

info, classes, _, images, annotations = fouc.load_coco_detection_annotations(str(FOLDER / "coco.json"))
names = classes if isinstance(classes, dict) else dict(enumerate(classes))
found = []
for image_id, objects in annotations.items():
    for each in objects:
        found.append((images[image_id]["file_name"], names[each.category_id], each.bbox, each.area))
compare(found, len(images), "COCO")
