"""Bytes to disk: signed links, S3, images."""
