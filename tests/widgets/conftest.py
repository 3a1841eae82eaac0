"""A small dataset of every kind of shape."""

from __future__ import annotations

import pytest
from shapes_of import read


@pytest.fixture
def dataset(tmp_path):
    told = {
        "images": [
            {"id": place, "file_name": f"{place}.png", "width": 40, "height": 30, "labellerr_file_id": f"f{place}"}
            for place in range(3)
        ],
        "categories": [
            {"id": 0, "name": "car"},
            {"id": 1, "name": "<b>"},
            {"id": 2, "name": "person", "keypoints": ["head", "hand", "foot"], "skeleton": [[1, 2], [1, 3]]},
        ],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 0, "bbox": [2, 3, 10, 8]},
            {"id": 2, "image_id": 0, "category_id": 1, "segmentation": {"size": [30, 40], "counts": [300, 90, 810]}},
            {"id": 3, "image_id": 2, "category_id": 0, "segmentation": [[1, 1, 9, 1, 9, 9], [20, 20, 30, 20, 30, 28]]},
            {"id": 4, "image_id": 2, "category_id": 0, "keypoints": [5, 6, 2]},
            {"id": 5, "image_id": 2, "category_id": 2, "keypoints": [5, 6, 2, 10, 12, 1, 0, 0, 0]},
        ],
    }  # fmt: skip
    return read(tmp_path, told)
