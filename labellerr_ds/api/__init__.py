"""The functions that a user calls, and ``df.labellerr``.

A function here resolves its arguments (a project, a path), calls the rooms below, and returns what they give.
Imports: everything but the command line. Add a function here if a user would call it by ``lds.name``, and list it in
`labellerr_ds/__init__.py`.
"""
