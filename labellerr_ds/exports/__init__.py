"""Exports: created, waited for, fetched, read."""
