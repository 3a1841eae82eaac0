"""Labellerr's csv: one row per file, one column per question."""
