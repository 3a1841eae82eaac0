"""An export of many shards, read by several processes: each stages some, one unites them, each finishes its own.

Nothing here knows an engine; `labellerr_ds.cluster` runs these functions on Dask. What goes between processes is
picklable and has no credentials.
"""
