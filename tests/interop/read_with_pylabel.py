import json

from expected import FOLDER, compare
from pylabel import importer

# it reads rings alone: an RLE or a missing segmentation stops it
told = json.loads((FOLDER / "coco.json").read_text())
for each in told["annotations"]:
    if not each.get("segmentation") or isinstance(each["segmentation"], dict):
        x, y, width, height = each["bbox"]
        each["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]
(FOLDER / "rings.json").write_text(json.dumps(told))
frame = importer.ImportCoco(str(FOLDER / "rings.json")).df
rows = frame[frame["cat_name"].astype(str).str.len() > 0].dropna(subset=["ann_bbox_xmin"])
found = [
    (
        row.img_filename, row.cat_name, [row.ann_bbox_xmin, row.ann_bbox_ymin, row.ann_bbox_width, row.ann_bbox_height],
        float(row.ann_area),
    )
    for row in rows.itertuples()
]  # fmt: skip
compare(found, frame["img_filename"].nunique(), "COCO")
