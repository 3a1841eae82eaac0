"""The parts of the site that are made from the package, so that they cannot differ from it.

python docs/generate.py
"""

from __future__ import annotations

import pathlib

import typer.main

from labellerr_ds import FileStatus
from labellerr_ds.analysis.quality import PROBLEMS
from labellerr_ds.cli.app import app
from labellerr_ds.frames import schema

DTYPES = {
    "text": "`str` (`string` on pandas 2)",
    "json": "`str` (`string` on pandas 2), JSON",
    "int": "`Int64`",
    "count": "`int64`",
    "float": "`float64`",
    "flag": "`boolean`",
    "time": "`datetime64[ns, UTC]`",
    "category": "`category`",
    "shape": "`segmentation`",
}
ROWS = {
    "files": "A row is a file; files without annotations are there as well.",
    "annotations": "A row is an annotation: a shape, a mask, or the answer to a question.",
    "categories": "A row is a class or a question of the template.",
    "issues": "A row is something that was not understood, or does not hold. Empty where all went well.",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def columns() -> str:
    """The columns of each frame."""
    parts = []
    for name, found in schema.TABLES.items():
        rows = []
        for column in found:
            words = schema.FIXED_CATEGORIES.get(column.name, ()) if column.kind == "category" else ()
            told = f"{column.doc}: " if column.doc and words else column.doc
            rows.append((f"`{column.name}`", DTYPES[column.kind], told + ", ".join(f"`{word}`" for word in words)))
        parts.append(
            f"## `{name}`\n\n{ROWS[name]}\n\n" + table(("column", "dtype", "what it holds, and its unit"), rows)
        )
    return "\n".join(parts)


def issues() -> str:
    """What `issues.code` and `check()` say."""
    codes = table(("`code`", "what it means"), [(f"`{code}`", told) for code, told in schema.ISSUE_CODES.items()])
    problems = table(("`problem`", "what it means"), [(f"`{name}`", told) for name, told in PROBLEMS.items()])
    return (
        f"## In `dataset.issues`\n\nWhat was not understood while reading. The row it is about stays.\n\n{codes}\n"
        f"## In `df.labellerr.check()`\n\nWhat is probably wrong with the labels themselves.\n\n{problems}"
    )


def statuses() -> str:
    """The statuses of a file, and what each says of its labels."""
    rows = [
        (f"`{status}`", status.description, f"`{status.label_state}`", f"`{status.empty_state}`")
        for status in FileStatus
    ]
    return table(("status", "what Labellerr means by it", "`label_state` with annotations", "without"), rows)


def commands() -> str:
    """The help of each command."""
    parts = []
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        context = typer.Context(command, info_name=f"labellerr-ds {name}")
        rows = []
        for parameter in command.params:
            if parameter.name == "help":
                continue
            option = ", ".join(f"`{word}`" for word in parameter.opts) if parameter.param_type_name == "option" else ""
            default = parameter.get_default(context)
            shown = "" if default in (None, False, "", ()) else f" (`{getattr(default, 'value', default)}`)"
            rows.append((option or f"`{parameter.name.upper()}`", f"{parameter.help or ''}{shown}"))
        parts.append(
            f"## `labellerr-ds {name}`\n\n{command.help}\n\n"
            + (table(("option", "what it does"), rows) if rows else "")
        )
    return "\n".join(parts)


def main(folder: pathlib.Path) -> None:
    """Write all of it."""
    folder.mkdir(exist_ok=True)
    for make in (columns, issues, statuses, commands):
        (folder / f"{make.__name__}.md").write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(__file__).parent / "generated")
