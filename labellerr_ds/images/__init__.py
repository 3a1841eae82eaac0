"""Images on disk: their names, sizes and orientation; and annotations drawn on them.

Imports: `shapes` and `core`.
"""
