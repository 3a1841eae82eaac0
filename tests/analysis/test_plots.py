"""Plots: on the Axes that are given, for odd data too, and with the same colours everywhere."""

from __future__ import annotations

import matplotlib as mpl
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import labellerr_ds as lds
from labellerr_ds.analysis import plots
from labellerr_ds.frames import schema
from labellerr_ds.images import render
from labellerr_ds.images.colors import PALETTE

NAMES = ["class_balance", "status_funnel", "per_image", "area", "heatmap", "cooccurrence", "mask_grid"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def annotations(count, **columns):
    ids = [f"f{number % 5}" for number in range(count)]
    given = {
        "file_id": ids, "file_name": ids, "type": ["bbox"] * count, "category": ["car"] * count,
        "bbox_x": [1.0] * count, "bbox_y": [2.0] * count, "bbox_width": [10.0] * count, "bbox_height": [10.0] * count,
        "area": [100.0] * count, "image_width": [64] * count, "image_height": [48] * count,
        "status": ["accepted"] * count,
        **columns,
    }  # fmt: skip
    return schema.build("annotations", given, count)


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


ODD = {
    "nothing": annotations(0),
    "one class": annotations(3),
    "500 classes": annotations(500, category=[f"class {number}" for number in range(500)]),
    "long names": annotations(2, category=["a" * 300, "an $odd$ name_with^signs\nand lines"]),
    "unknown status": annotations(2, status=["frozen", None]),
    "zero areas": annotations(4, area=[0.0, 0.0, 25.0, 1e6]),
    "no sizes": annotations(2, image_width=[None, None]),
    "no class": annotations(2, category=[None, "car"]),
    "outside": annotations(2, bbox_x=[-500.0, 900.0]),
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("name", NAMES)
def test_a_plot_is_drawn_for_odd_data_too(name, case):
    ax = getattr(ODD[case].labellerr.plot, name)()
    ax.figure.canvas.draw()  # texts are laid out here, mathematics too
    assert isinstance(ax, plt.Axes)


@pytest.mark.parametrize("name", NAMES)
def test_a_plot_goes_on_the_axes_that_are_given_and_changes_no_setting(name):
    before = dict(mpl.rcParams)
    _, (ax, other) = plt.subplots(1, 2)
    assert getattr(annotations(6).labellerr.plot, name)(ax=ax) is ax
    assert not other.has_data()
    assert dict(mpl.rcParams) == before


def test_after_twenty_classes_the_rest_is_one_bar():
    ax = ODD["500 classes"].labellerr.plot.class_balance()
    assert labels(ax)[-1] == "480 other classes"
    assert len(ax.patches) == 21
    assert len(ODD["500 classes"].labellerr.plot.class_balance(top=5, log=True).patches) == 6


def test_bars_tell_annotations_and_files():
    ax = annotations(7).labellerr.plot.class_balance()
    assert "7 in 5 files" in [text.get_text() for text in ax.texts]


def test_statuses_stand_in_the_order_of_the_workflow_and_unknown_ones_last(project):
    files = lds.export_to_dataframe(project, "all", level="file", progress=False)
    shown = labels(files.labellerr.plot.status_funnel())
    order = [status.value for status in lds.FileStatus]
    assert shown == [name for name in order if name in set(files["status"])]
    assert labels(ODD["unknown status"].labellerr.plot.status_funnel()) == ["frozen", "(missing)"]


def test_files_without_annotations_are_in_the_histogram(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    ax = plots.per_image(dataset.annotations, dataset.files)
    without = int((dataset.files["annotation_count"] == 0).sum())
    assert f"{without:,} without any" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert sum(patch.get_height() for patch in ax.patches) == len(dataset)


def test_areas_of_zero_are_counted():
    assert "2 of area 0" in ODD["zero areas"].labellerr.plot.area().get_xlabel()


def test_the_map_has_y_downwards_and_says_what_lies_outside():
    ax = annotations(3, bbox_y=[40.0] * 3).labellerr.plot.heatmap(bins=4)
    counts = ax.images[0].get_array()
    assert counts[3, 0] == 3
    assert ax.get_ylim() == (1, 0)
    assert "2 centres outside" in ODD["outside"].labellerr.plot.heatmap().get_xlabel()
    assert annotations(2).labellerr.plot.heatmap(category="none").texts[0].get_text() == "nothing to show"


def test_classes_on_the_same_files_are_shares_of_the_rows_class():
    frame = annotations(4, category=["a", "a", "b", "b"], file_id=["f", "g", "f", "f"])
    shares = frame.labellerr.plot.cooccurrence().images[0].get_array()
    assert np.asarray(shares).tolist() == [[1.0, 0.5], [1.0, 1.0]]


def test_over_time_stacks_what_was_added(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    ax = dataset.annotations.labellerr.plot.over_time(files=dataset.files, freq="W")
    ax.figure.canvas.draw()
    assert sum(patch.get_height() for patch in ax.patches) == len(dataset.annotations)


def test_the_page_has_six(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    axes = dataset.plot()
    assert axes.shape == (2, 3)
    assert len({ax.get_title(loc="left") for ax in axes.ravel()}) == 6
    with pytest.raises(lds.InvalidArgumentError, match="six Axes"):
        dataset.plot(plt.subplots(1, 2)[1])
    assert dataset.annotations.labellerr.plot(files=dataset.files).shape == (2, 3)


def test_a_class_has_one_colour_everywhere():
    color = PALETTE[0]
    bar = annotations(2).labellerr.plot.class_balance().patches[0].get_facecolor()
    assert mpl.colors.to_hex(bar) == color
    drawn = np.asarray(render.draw(annotations(1), opacity=1.0))
    assert mpl.colors.to_hex(drawn[6, 6] / 255) == color


def test_a_frame_that_is_not_ours_names_what_is_missing():
    import pandas as pd

    with pytest.raises(lds.InvalidArgumentError, match="missing column 'category'"):
        pd.DataFrame({"x": [1]}).labellerr.plot.class_balance()


# --- the renderer


@pytest.mark.parametrize("kind", ["polygon", "mask", "bbox", "point", "polyline"])
def test_each_kind_of_shape_is_drawn(kind):
    shapes = {
        "polygon": "[[5,5,30,5,30,30,5,30]]", "mask": '{"size":[48,64],"counts":[0,1536,1536]}',
        "polyline": "[5,5,30,5,30,30]", "point": "[10,10]", "bbox": None,
    }  # fmt: skip
    picture = render.draw(annotations(1, type=[kind], segmentation=[shapes[kind]]))
    assert picture.size == (64, 48)
    assert (np.asarray(picture) != render.EMPTY).any()


def test_a_mask_lies_where_its_pixels_are_and_pictures_are_made_smaller_together_with_it():
    frame = annotations(1, type=["mask"], segmentation=['{"size":[48,64],"counts":[0,1536,1536]}'])
    drawn = np.asarray(render.draw(frame, longest=32))
    assert drawn.shape == (24, 32, 3)
    changed = (drawn != render.EMPTY).any(axis=2)
    assert changed[:, :16].all()
    assert not changed[:, 16:].any()


def test_what_is_broken_is_not_drawn_and_stops_nothing():
    frame = annotations(2, type=["mask", "polygon"], segmentation=['{"size":[48,64],"counts":[3]}', "[[9,1e9]]"])
    assert render.draw(frame).size == (64, 48)


def test_shapes_and_answers_are_told_apart(project):
    rows = lds.export_dataset(project, "all", progress=False).annotations
    shapes = labels(rows.labellerr.plot.class_balance(kind="shapes"))
    plt.close("all")
    answers = labels(rows.labellerr.plot.class_balance(kind="answers"))
    assert "car" in shapes
    assert "weather" in answers
    assert not set(shapes) & set(answers)
    with pytest.raises(lds.InvalidArgumentError, match="kind must be 'shapes', 'answers' or 'all'"):
        rows.labellerr.plot.cooccurrence(kind="boxes")


def test_one_status_alone_is_said():
    assert "all are accepted" in annotations(3).labellerr.plot.status_funnel().get_title(loc="left")


def test_what_is_written_is_seen_on_a_dark_style():
    with plt.style.context("dark_background"):
        ax = annotations(3).labellerr.plot.class_balance()
        assert mpl.colors.to_hex(ax.texts[0].get_color()) == "#ffffff"


def test_a_grid_of_masks_has_a_legend(project):
    rows = lds.export_dataset(project, ["accepted"], progress=False).annotations
    ax = rows.labellerr.plot.mask_grid()
    assert "car" in [text.get_text() for text in ax.get_legend().get_texts()]
