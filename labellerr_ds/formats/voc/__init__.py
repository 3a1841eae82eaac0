"""Pascal VOC: one XML file per image; read and written."""
