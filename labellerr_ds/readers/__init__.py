"""From bytes to tables: recognise, open archives, then one file a format."""
