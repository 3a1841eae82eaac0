"""A versioned copy of a project: rows (a file with its annotations), the store that keeps them, merge, and the mirror."""
