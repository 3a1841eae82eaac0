"""What a notebook prints of our objects: what is in them, what is wrong, what to do next."""

from __future__ import annotations

import html
from collections.abc import Iterable

_CELL = "text-align:left;vertical-align:top;padding:1px 10px 1px 0;background:none;border:0"


def card(title: str, rows: Iterable[tuple[str, str]], *, then: str = "") -> str:
    """A small HTML table, escaped, in the colours of the page that it stands on; it asks nothing of another host.

    Parameters
    ----------
    title : str
    rows : iterable of (str, str)
        Names and their values; those without a value are left out.
    then : str
        Code for the next step.

    Examples
    --------
    >>> "<b>" in card("a <b> name", [("files", "3")])
    False
    """
    lines = "".join(
        f'<tr style="background:none"><th style="{_CELL};font-weight:600">{html.escape(name)}</th>'
        f'<td style="{_CELL}">{html.escape(value)}</td></tr>'
        for name, value in rows
        if value
    )
    after = f'<div style="opacity:.75">next: <code>{html.escape(then)}</code></div>' if then else ""
    return (
        f'<div style="text-align:left"><div style="font-weight:600">{html.escape(title)}</div>'
        f'<table style="margin:2px 0;border:0">{lines}</table>{after}</div>'
    )


def counted(counts: Iterable[tuple[object, int]], most: int = 8) -> str:
    """Words with how many there are of each, the first ones."""
    pairs = [(str(word), int(count)) for word, count in counts if count > 0]
    rest = f", and {len(pairs) - most} more" if len(pairs) > most else ""
    return ", ".join(f"{word} {count:,}" for word, count in pairs[:most]) + rest
