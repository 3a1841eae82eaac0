"""The protections that `without.py` takes out are where it looks for them."""

from __future__ import annotations

import pytest
from without import ROOT, WITHOUT


@pytest.mark.parametrize("entry", WITHOUT, ids=lambda entry: entry[1])
def test_a_protection_and_its_test_are_where_they_are_looked_for(entry):
    _, _, changes, tests, _ = entry
    assert (ROOT / tests).exists()
    for name, piece, replacement in changes:
        text = (ROOT / "labellerr_ds" / name).read_text(encoding="utf-8")
        assert piece in text
        assert piece != replacement
