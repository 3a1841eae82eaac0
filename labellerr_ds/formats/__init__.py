"""Formats: one folder each, with `read`, `write` and `detect` as far as the format has them.

`read` chooses the reader, `recognise` the format by content, `selection` what a converter writes and why not.
`answers/` is what native json and csv share. Formats do not import each other; all import `frames` and below.
A format is a folder here, its line in `read` and `recognise`, and its value in `core.models.ExportFormat`.
"""
