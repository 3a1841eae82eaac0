"""How many examples a long test tries: a third by default, all with ``pytest --thorough``."""

from __future__ import annotations

is_thorough = False


def examples(thorough: int, default: int | None = None) -> int:
    """The number of examples, or of repeated kills.

    Parameters
    ----------
    thorough : int
        With ``--thorough``.
    default : int, optional
        Without it; if omitted, a third.
    """
    return thorough if is_thorough else max(thorough // 3, 5) if default is None else default
