"""Every string that a user can meet: messages, warnings, help, tables of words, public docstrings; one a line.

    python scripts/messages.py [--words]

With ``--words`` only the lines with words that read translated, those of the service left out, and identifiers that
are such words; exit code 1 where there are any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "labellerr_ds"
TRANSLATED = re.compile(r"\b(told|tells?|stands? there|is no\b|are no\b|put right|found)\b", re.IGNORECASE)

SERVICE = ("sandbox/", "core/vendor.py")  # the service's own words
WEAK = frozenset({"told", "found", "each"})
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def weak_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Identifiers that say nothing; `each` may be the word of a comprehension of one line."""
    short = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, COMPREHENSIONS) and node.lineno == node.end_lineno
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = [getattr(node, key, None) for key in ("id", "arg", "attr", "name")]
        for name in WEAK.intersection(name for name in names if isinstance(name, str)):
            if not (name == "each" and id(node) in short):
                yield node.lineno, f"the identifier {name}"


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String literals of several words that are no docstring; f-strings with … for what is put in."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(id(node.value))  # of an attribute
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in ast.walk(node) if part is not node)
    for node in ast.walk(tree):
        if id(node) in inside or id(node) in docstrings:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if len(re.findall(r"[A-Za-z]{2,}", text)) > 1 and " " in text.strip():
            yield node.lineno, " ".join(text.split())


def public_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The docstrings of what has no underscore before its name, line by line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            for line in (ast.get_docstring(node) or "").splitlines():
                if line.strip():
                    yield node.lineno, line.strip()


def main() -> int:
    """Print the list."""
    only = "--words" in sys.argv
    count = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        listed = [*texts(tree), *public_docstrings(tree)]
        if only:
            is_service = path.relative_to(PACKAGE).as_posix().startswith(SERVICE)
            translated = [] if is_service else [(line, text) for line, text in texts(tree) if TRANSLATED.search(text)]
            listed = [*translated, *weak_names(tree)]
        for line, text in listed:
            count += 1
            print(f"{path.relative_to(PACKAGE.parent)}:{line}: {text}")
    return int(only and count > 0)


if __name__ == "__main__":
    sys.exit(main())
