"""Rules that hold for the whole package: python scripts/rules.py

No control flow reads the text of an error, and nothing has a second definition. Prints each violation as
``file:line: rule``; exit code 1 if there are any.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "labellerr_ds"
ONCE = {
    "hex_color", "rgb", "json_text", "sha256_of", "nearest", "LONGEST_WAIT_S", "PIECE_BYTES", "STOPPED",
    "DOWNLOAD_TRIES", "REQUEST_TRIES", "COMMIT_TRIES", "S3_TRIES", "STATUSES", "LABEL_STATES", "tracked", "digest",
}  # fmt: skip
"""Functions and constants with one definition in the package."""
ONLY_IN = {
    "tqdm": {"core/progress.py"},
    "difflib": {"core/hint.py"},
    "umask": set(),
    "mkstemp": set(),
    "requests": {"service/transport.py"},
}
"""Modules and functions, and the files that may use them."""
READS_TEXT = {"search", "match", "fullmatch", "findall", "sub", "startswith", "endswith", "removeprefix"}


def caught_names(tree: ast.AST) -> Iterator[tuple[ast.ExceptHandler, str]]:
    """Yield the handlers of a module that name their error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node, node.name


def is_text_of(node: ast.AST, name: str) -> bool:
    """Return True for ``str(error)``, ``error.message`` and ``error.args[0]``."""
    return ast.unparse(node) in (f"str({name})", f"{name}.message", f"{name}.args[0]", f"str({name}).lower()")


def readings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the places where control flow reads the text of an error."""
    for handler, name in caught_names(tree):
        for node in ast.walk(handler):
            if isinstance(node, ast.Compare) and any(is_text_of(part, name) for part in [node.left, *node.comparators]):
                yield node.lineno, f"compares the text of {name}"
            is_reader = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_reader and node.func.attr in READS_TEXT:
                parts = [node.func.value, *node.args]
                if any(is_text_of(part, name) for part in parts):
                    yield node.lineno, f"reads the text of {name}"


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield modules that are imported, and functions that are called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("labellerr_ds"):
            yield node.lineno, node.module.split(".")[0]
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def definitions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the names that a module defines at its top level."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    yield node.lineno, part.id


def violations() -> Iterator[str]:
    """Yield each violation as a line."""
    defined: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("sandbox/"):
            continue  # imports nothing of the package, and so has its own
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from (f"{name}:{line}: {what}" for line, what in readings(tree))
        for line, used in uses(tree):
            if used in ONLY_IN and name not in ONLY_IN[used]:
                yield f"{name}:{line}: uses {used}, which {', '.join(ONLY_IN[used]) or 'no module'} may"
        for line, what in definitions(tree):
            if what in ONCE:
                defined[what].append(f"{name}:{line}")
    for what in sorted(ONCE):
        if len(defined[what]) != 1:
            yield f"{what} is defined {len(defined[what])} times: {', '.join(defined[what])}"


def main() -> int:
    """Print the violations."""
    lines = list(violations())
    print("\n".join(lines), end="\n" if lines else "")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
