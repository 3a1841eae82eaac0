"""Bytes to disk: signed links, S3, images, and the cache of exports.

`fetch` has the one loop of a download; a source (`signed_link`, `s3`) says how its bytes are opened and verified.
Imports: `service` and below, never frames of annotations. Add a source as a file that `fetch` can read from.
"""
