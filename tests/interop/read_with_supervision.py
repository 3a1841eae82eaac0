import numpy as np
import supervision as sv
from expected import EXPECTED, FOLDER, compare

told = sv.DetectionDataset.from_coco(str(FOLDER / "images"), str(FOLDER / "coco.json"), force_masks=False)
found = []
for path, _, detections in told:
    for box, number in zip(detections.xyxy, detections.class_id, strict=True):
        x, y, right, low = map(float, box)
        found.append((path, told.classes[number], [x, y, right - x, low - y], None))
compare(found, len(told), "COCO", boxes=0.01, areas=None)

masks = np.load(FOLDER / "masks.npz")
expected = list(zip(EXPECTED["annotations"], masks.values(), strict=True))
told = sv.DetectionDataset.from_yolo(
    str(FOLDER / "yolo" / "images" / "train"), str(FOLDER / "yolo" / "labels" / "train"),
    str(FOLDER / "yolo" / "data.yaml"), force_masks=True,
)  # fmt: skip
worst, count = 0.0, 0
for path, _, detections in told:
    name = str(path).rsplit("/", 1)[-1]
    mine = [mask for each, mask in expected if each["file"] == name]
    assert len(detections) == len(mine), (name, len(detections), len(mine))
    count += len(mine)
    for mask in mine:
        high, wide = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if min(len(high), len(wide)) <= 32:
            continue
        # supervision draws polygons with whole corners and their outline: half a pixel around is its own
        best = min(int((other != mask).sum()) for other in detections.mask)
        border = int((mask[:, 1:] != mask[:, :-1]).sum() + (mask[1:] != mask[:-1]).sum())
        worst = max(worst, max(0, best - border) / mask.sum())
assert worst <= 0.01, worst
print(f"YOLO: {len(told)} images, {count} annotations, at most {worst:.2%} beside the original and its border")
