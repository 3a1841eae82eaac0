"""A versioned copy of a project: rows (a file with its annotations), the store, what an export changes, the mirror."""
