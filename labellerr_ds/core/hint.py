"""Hints: what a user does next, as data that Python, the shell and the widgets each render in their own terms."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any, Literal

Kind = Literal["argument", "call", "advice", "all", "either"]
_OPEN = object()


class Hint(str):
    """The next step after an error or a warning. Its text is the step in Python.

    Attributes
    ----------
    kind : {'argument', 'call', 'advice', 'all', 'either'}
        The name of an argument, a call, a plain instruction, several of these to be taken together, or several to
        choose from.
    name : str
        Of the argument, or of what is called.
    values : tuple
        The value of the argument, or the arguments of the call that are known.
    steps : tuple of Hint
        The steps to choose from; of the other kinds the hint itself.
    parts : tuple of Hint
        Of 'all' the steps to take together.

    Examples
    --------
    >>> argument("level", "file"), argument("images"), call("project.exports()")
    ('level="file"', 'images=', 'project.exports()')
    >>> either(argument("allow_empty", True), "check the statuses").steps[0].values
    (True,)
    """

    kind: Kind
    name: str
    values: tuple[Any, ...]
    steps: tuple[Hint, ...]
    parts: tuple[Hint, ...]


def _hint(text: str, kind: Kind, name: str = "", values: tuple[Any, ...] = ()) -> Hint:
    hint = Hint(text)
    hint.kind, hint.name, hint.values, hint.parts = kind, name, values, ()
    hint.steps = (hint,)
    return hint


def argument(name: str, value: Any = _OPEN) -> Hint:
    """Return the hint to pass an argument, with this value or another one."""
    if value is _OPEN:
        return _hint(f"{name}=", "argument", name)
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return _hint(f"{name}={shown}", "argument", name, (value,))


def call(code: str, *values: Any) -> Hint:
    """Return the hint to call something.

    Parameters
    ----------
    code : str
        The call in Python.
    values
        What the shell's command for it needs besides the project.
    """
    return _hint(code, "call", code.partition("(")[0], values)


def advice(text: str) -> Hint:
    """Return a hint that is a plain instruction: imperative, lower case, without a full stop."""
    return _hint(text, "advice")


def all_of(*parts: Hint) -> Hint:
    """Return the hint to take all of these steps."""
    if len(parts) == 1:
        return parts[0]
    hint = _hint(" and ".join(parts), "all")
    hint.parts = parts
    return hint


def either(*steps: Hint | str | None) -> Hint:
    """Return the hint to take one of these steps; None is left out, a str is an `advice`."""
    parts = [part for step in steps if step is not None for part in as_hint(step).steps]
    if len(parts) == 1:
        return parts[0]
    hint = _hint(" or ".join(parts), "either")
    hint.steps = tuple(parts)
    return hint


def as_hint(hint: Hint | str | Iterable[Hint | str]) -> Hint:
    """Return a hint from a hint, the text of an `advice`, or several of them."""
    if isinstance(hint, Hint):
        return hint
    return advice(hint) if isinstance(hint, str) else either(*hint)


def nearest(word: object, known: Iterable[str], count: int = 1) -> Hint | None:
    """Return the hint that one of the known words may be meant; None if none is like it."""
    names = list(known)
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(str(word).casefold(), folded, n=count, cutoff=0.5)
    return advice(f"did you mean {' or '.join(repr(folded[name]) for name in near)}?") if near else None


DOWNLOAD_AGAIN = advice("download the export again")
