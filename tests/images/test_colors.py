"""Colours of classes: the project's own, or far apart; readable, and the same wherever a class is shown."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

import labellerr_ds as lds
from labellerr_ds.images.colors import NO_CLASS, PALETTE, class_colors, colors_of, hex_color, ink, rgb

# Machado, Oliveira and Fernandes (2009), deuteranopia, severity 1, of linear RGB
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def linear(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def gamma(rgb: np.ndarray) -> np.ndarray:
    rgb = rgb.clip(0, 1)
    return np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)


def seen(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    unit = np.asarray(rgb, dtype=float) / 255
    return rgb2lab(unit), rgb2lab(gamma(linear(unit) @ DEUTERANOPIA.T))


@pytest.mark.parametrize(("vision", "least"), [(0, 15), (1, 8)], ids=["usual", "deuteranopia"])
def test_the_first_twenty_colours_are_told_apart(vision, least):
    lab = seen(np.array([rgb(color) for color in PALETTE]))[vision]
    assert min(float(deltaE_ciede2000(lab[a], lab[b])) for a, b in itertools.combinations(range(20), 2)) >= least


def test_five_hundred_classes_have_colours_of_their_own():
    assert len(set(class_colors([f"class {number}" for number in range(500)]).values())) == 500


def test_the_projects_own_colour_holds_and_none_of_the_palette_is_near_it():
    colors = class_colors(["car", "tree", "road"], {"tree": PALETTE[0], "road": "#ff0000"})
    assert colors == {"car": PALETTE[1], "tree": PALETTE[0], "road": "#ff0000"}


@given(color=st.integers(0, 0xFFFFFF))
def test_words_are_read_on_any_colour(color):
    color = f"#{color:06x}"

    def light(text):
        return float(linear(np.array(rgb(text)) / 255) @ [0.2126, 0.7152, 0.0722])

    bright, dark = sorted([light(color), light(ink(color))], reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5  # WCAG's AA


def test_a_class_keeps_its_colour_in_a_part_of_the_frame_and_next_to_another(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    whole = colors_of(dataset.annotations)
    own = dataset.categories.dropna(subset=["color"]).drop_duplicates("name").set_index("name")["color"]
    assert {name: whole[name] for name in own.index} == own.to_dict()
    part = dataset.annotations[dataset.annotations["category"] == "lane"].iloc[:1]
    assert colors_of(part)["lane"] == whole["lane"]
    both = lds.concat([dataset.annotations.iloc[:5], dataset.annotations.iloc[5:]])
    assert {name: colors_of(both)[name] for name in own.index} == own.to_dict()
    assert whole[NO_CLASS] not in PALETTE


@pytest.mark.parametrize("color", [None, "red", "#12345", "#gggggg", 5])
def test_what_is_no_colour_is_none(project, color):
    dataset = lds.export_dataset(project, "all", progress=False)
    categories = dataset.categories.astype({"color": object})
    categories["color"] = color
    changed = lds.Dataset(dataset.files, dataset.annotations, categories, dataset.issues)
    assert set(colors_of(changed.annotations).values()) <= {*PALETTE, colors_of(changed.annotations)[NO_CLASS]}


@pytest.mark.parametrize(
    ("color", "text"),
    [
        ([95, 158, 160], "#5f9ea0"),
        ("#FFF", "#ffffff"),
        ("5F9EA0", "#5f9ea0"),
        ("abc", "#aabbcc"),
        ([1, 2], None),
        ([1, 2, 300], None),
        (7, None),
    ],
)
def test_a_colour_is_read_from_text_or_numbers(color, text):
    assert hex_color(color) == text
