"""Images on disk, and annotations drawn on them."""

from labellerr_ds.images.pixels import open_image

__all__ = ["open_image"]
