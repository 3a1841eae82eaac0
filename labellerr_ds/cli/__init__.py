"""The command line: one file per group of commands.

`output` prints frames and errors. Imports: everything below. Add a command to the file of its group; it parses
options, calls one function of the package, and prints the result.
"""
