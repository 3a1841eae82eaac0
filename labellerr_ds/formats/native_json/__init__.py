"""Labellerr's own json: one object per file, with its answers."""
