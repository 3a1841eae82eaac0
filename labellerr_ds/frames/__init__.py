"""The four tables of an export: columns and dtypes (`schema`), Arrow tables (`tables`), and `merge`.

`merge` makes one export of many batches: ids, counts, label states. Imports: `images`, `shapes`, `core`; no format
and no network. A column is a line in `schema.TABLES`, and is then filled by the formats that have it.
"""
