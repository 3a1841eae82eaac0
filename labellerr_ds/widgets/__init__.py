"""Panels for the notebook: pick an export, look through the labels."""
