"""PNG masks: one image per class and file."""
