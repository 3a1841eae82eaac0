"""What is computed from frames: checks, comparison, evaluation, splits, plots.

Functions take frames and return frames or a result object; they neither read nor write files. Imports: `formats` and
below, never the service. Add an analysis as a file here, and a method of `Dataset` or `df.labellerr` that calls it; a
plot is a function in `plots`.
"""
