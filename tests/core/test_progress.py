"""Progress: the caller's own function gets every step, whatever is counted."""

from __future__ import annotations

import labellerr_ds as lds
from labellerr_ds.core.progress import Progress, tracked, tracked_items


def test_a_function_gets_each_step(project, tmp_path):
    steps: list[Progress] = []
    job = lds.create_export(project, ["accepted"], format="png")
    job.wait(progress=steps.append)
    job.load(progress=steps.append, cache=False)
    by_unit = {unit: [step for step in steps if step.unit == unit] for unit in {step.unit for step in steps}}
    assert by_unit["B"][-1].done == by_unit["B"][-1].total
    assert by_unit["masks"][-1].done == by_unit["masks"][-1].total > 0
    dataset = lds.export_dataset(project, ["accepted"], progress=False)
    images = dataset.download_images(tmp_path, project, progress=steps.append)
    assert steps[-1] == Progress("images", len(images), len(images), "images")


def test_items_are_counted_as_they_are_used():
    steps: list[Progress] = []
    assert list(tracked_items("ab", None, "labels", steps.append)) == ["a", "b"]
    assert steps == [Progress("labels", 1, None, "labels"), Progress("labels", 2, None, "labels")]


def test_without_progress_nothing_is_shown(capsys):
    with tracked(2, "masks", False, "masks") as advance:
        advance(2)
    assert capsys.readouterr() == ("", "")
