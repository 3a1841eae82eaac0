"""Shapes as pure functions on arrays, and the dtype that holds them in a frame."""
