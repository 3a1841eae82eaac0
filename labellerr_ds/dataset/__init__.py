"""`Dataset`: the frames of an export; several of them together; an export batch by batch.

Imports: `storage`, `analysis`, `formats` and below; never the API. A method of `Dataset` is one call of a function
in `analysis/` (what is computed) or `formats/` (what is written).
"""
