"""Frames to what trainers read: a file a format, over `selection`, which says what goes out and what does not."""
