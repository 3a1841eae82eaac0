"""A versioned copy of a project's labels on disk or in S3, kept up to date by incremental exports.

`rows` are what is stored, `store` is the Delta table, `merge` applies an export to a version, `sync` does one run,
`mirror` is the public class. Imports: everything but `api`, `cli` and `widgets`.
"""
