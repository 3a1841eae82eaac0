"""The same on Dask: exports of many shards, read by several processes.

Each process stages some shards, one unites them, each finishes its own. Only `tasks` knows Dask. What goes between
processes is picklable and has no credentials. Imports: `dataset` and below; `shared_folder` is the storage of a
cluster, `exports` has the public functions.
"""
