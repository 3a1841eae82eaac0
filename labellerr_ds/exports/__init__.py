"""An export from its creation to a Dataset: create, poll, download, load.

Imports: `dataset`, `storage`, `service` and below. `create` sends the one POST, `polling` waits, `outcome` says how it
ended, `job` is the object that a user holds; `connections` and `s3_objects` are for exports into a bucket.
"""
