"""Boxes, polygons and masks as pure functions on arrays, and the dtype that holds them in a frame.

Imports: `core`. Pixels are defined by pycocotools' RLE (`rle`); coordinates are pixels of the upright image.
"""
