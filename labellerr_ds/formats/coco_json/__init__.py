"""COCO: images, annotations and categories in one JSON object; read and written."""
