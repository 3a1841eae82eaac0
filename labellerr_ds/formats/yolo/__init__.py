"""YOLO folders: one text file per image; read and written."""
