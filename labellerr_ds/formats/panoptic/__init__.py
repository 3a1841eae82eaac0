"""COCO panoptic segmentation; written."""
