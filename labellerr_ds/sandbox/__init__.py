"""The built-in service: a simulation made from Labellerr's public documentation, on loopback.

It imports nothing of the rest of the package, so that a wrong guess in a reader cannot be hidden
by the same guess here.
"""

from labellerr_ds.sandbox.server import VARIANTS, Sandbox

__all__ = ["VARIANTS", "Sandbox"]
