"""What errors and warnings say: no Python and no option in a message, and every hint in three forms."""

from __future__ import annotations

import ast
import pathlib
import pickle
import re

import pytest

import labellerr_ds as lds
from labellerr_ds.cli.hints import shell_hint
from labellerr_ds.core import errors, hint
from labellerr_ds.widgets.failures import hint_sentence

PACKAGE = pathlib.Path(lds.__file__).parent
ERRORS = {name for name in vars(errors) if name.endswith("Error")} | {"warn"}
PYTHON = re.compile(r"\b[a-z_]+=(?!=)|\b[A-Za-z_.]+\([^)]*\)(?<! \))|\blds\.|\bdataset\.[a-z]|--[a-z]")
HINTS = {"argument", "call", "advice"}


def trees():
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" not in path.parts:
            yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def literal(node: ast.AST) -> str:
    """The text of a message, with … for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return literal(node.left) + literal(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


MESSAGES = [
    (f"{name}:{node.lineno}", literal(node.args[0]))
    for name, tree in trees()
    for node in ast.walk(tree)
    if isinstance(node, ast.Call) and node.args and name_of(node) in ERRORS
]


def test_no_message_has_a_call_or_an_argument_of_python_or_an_option():
    assert len(MESSAGES) > 250
    of_shell = [text for where, text in MESSAGES if where.startswith("cli/")]
    assert of_shell
    wrong = [
        f"{where}: {text}"
        for where, text in MESSAGES
        if PYTHON.search(re.sub(r"--[a-z]+", "", text) if where.startswith("cli/") else text)
    ]
    assert wrong == []


class Anything(str):
    """Stands for a value that is known at run time only."""

    def __getattr__(self, name: str) -> Anything:
        return self

    def __getitem__(self, _: object) -> Anything:
        return self

    def __call__(self, *_: object, **__: object) -> Anything:
        return self


class Names(dict):
    def __missing__(self, name: str) -> Anything:
        return Anything("x")


def hints() -> list[tuple[str, hint.Hint]]:
    made = []
    for name, tree in trees():
        for node in ast.walk(tree):
            is_hint = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in HINTS
            if is_hint and name != "core/hint.py":
                code = compile(ast.Expression(node), name, "eval")
                namespace = Names({key: getattr(hint, key) for key in HINTS})
                made.append((f"{name}:{node.lineno}", eval(code, namespace)))
            if isinstance(node, ast.keyword) and node.arg == "hint" and isinstance(node.value, ast.Constant):
                made.append((f"{name}:{node.value.lineno}", hint.as_hint(node.value.value)))
    return made


@pytest.mark.parametrize(("where", "made"), hints())
def test_a_hint_is_rendered_in_python_at_the_shell_and_in_a_panel(where, made):
    assert str(made)
    assert hint_sentence(made)
    options = {"images", "since", "timeout", "overwrite", "status", "format", "level", "allow-empty", "project"}
    shell = shell_hint(made, options, "Street scenes")
    if made.kind == "advice":
        assert shell == str(made)
        assert not re.search(r"\blds\.|\b[a-z_]+=", made)
    else:
        assert shell is None or not re.search(r"\blds\.|\b[a-z_]+=|client\.|project\.[a-z]", shell)


def test_some_hints_are_options_commands_and_variables():
    options = {"level", "timeout"}
    assert shell_hint(hint.argument("level", "file"), options) == "--level file"
    assert shell_hint(hint.argument("images"), options) is None
    assert shell_hint(hint.argument("api_key"), options) == "set LABELLERR_API_KEY"
    assert shell_hint(hint.call("project.exports()"), (), "Street scenes") == "`labellerr-ds exports 'Street scenes'`"
    both = hint.either(hint.call("lds.ExportJob(project, 'r').wait()", "r"), hint.argument("timeout"))
    assert shell_hint(both, options, "p") == "`labellerr-ds load p r` or --timeout"
    assert str(both) == "lds.ExportJob(project, 'r').wait() or timeout="
    assert hint_sentence(both) == "Call lds.ExportJob(project, 'r').wait(), or change timeout."


def test_an_error_keeps_its_hint_when_it_is_pickled():
    error = lds.AmbiguousCreateError("no answer", name="nightly", hint=hint.argument("name", "other"))
    back = pickle.loads(pickle.dumps(error))
    assert (back.message, back.name, back.hint, back.hint.kind) == ("no answer", "nightly", 'name="other"', "argument")
    assert type(back) is lds.AmbiguousCreateError


def test_a_warning_ends_with_its_hint():
    with pytest.warns(lds.LabellerrWarning, match=r"^3 files have no image\. Hint: images=$") as caught:
        errors.warn("3 files have no image.", hint=hint.argument("images"))
    assert caught[0].message.message == "3 files have no image."
    assert caught[0].message.hint.kind == "argument"


@pytest.mark.parametrize(
    "message",
    ["pass images=, their folder", "client.projects() lists them", "see dataset.issues", "lds.x", "pass --to"],
)
def test_the_pattern_sees_python_and_options(message):
    assert PYTHON.search(message)
    assert not PYTHON.search("level must be 'annotation' or 'file', got 'rows' (3 bytes): not_a_number (5).")
