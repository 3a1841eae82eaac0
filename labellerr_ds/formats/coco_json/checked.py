"""pycocotools' COCO, with a look at each shape before native code gets it: that reads beyond what does not hold."""

from __future__ import annotations

from typing import Any

from pycocotools.coco import COCO

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.shapes.rle import BROKEN, checked_counts, checked_ring, checked_size


class CheckedCOCO(COCO):  # type: ignore[misc]  # pycocotools has no types
    """What `Dataset.to_coco` gives: a ``COCO`` whose `annToRLE` and `annToMask` refuse broken shapes."""

    original_ids: dict[int, Any]

    def annToRLE(self, ann: dict[str, Any]) -> Any:  # noqa: N802  # pycocotools' name
        """The pixels of an annotation as RLE.

        Raises
        ------
        InvalidArgumentError
            Where its rings are not numbers, its runs do not cover its image, or its image has no size.
        """
        shape, image = ann["segmentation"], self.imgs[ann["image_id"]]
        try:
            if isinstance(shape, list):
                checked_size(image["height"], image["width"])
                for ring in shape:
                    checked_ring(ring)
            else:
                checked_counts(shape)
        except BROKEN as problem:
            raise InvalidArgumentError(f"annotation {ann.get('id')} has no pixels: {problem}.") from None
        return super().annToRLE(ann)
