"""The rules of `scripts/rules.py` are broken by what they are about."""

from __future__ import annotations

import ast
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "scripts"))
import rules


def test_the_package_keeps_the_rules():
    assert list(rules.violations()) == []


@pytest.mark.parametrize(
    "condition",
    [
        "'lds.read_yolo' in str(error)",
        "str(error) == 'x'",
        "'x' in error.args[0]",
        "re.search('x', str(error))",
        "error.message.startswith('x')",
        "'x' in str(error).lower()",
    ],
)
def test_reading_the_text_of_an_error_is_a_violation(condition):
    code = f"try:\n    read()\nexcept ReadError as error:\n    if {condition}:\n        raise\n"
    assert len(list(rules.readings(ast.parse(code)))) == 1


def test_a_message_that_is_put_into_another_one_is_none():
    code = "try:\n    read()\nexcept ReadError as error:\n    raise ReadError(f'{error.message} Kept.') from None\n"
    assert list(rules.readings(ast.parse(code))) == []
