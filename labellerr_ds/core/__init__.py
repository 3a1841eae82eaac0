"""What every room uses: errors, models of requests, times, limits, files on disk, waiting, progress, redaction.

Imports nothing of the package outside this folder. `vendor` has every fact about the service, each marked with how it
is known, and imports nothing at all. A status is a member of `models.FileStatus`; an error a class in `errors`.
"""
