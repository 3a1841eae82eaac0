"""Code as users write it: it passes ``mypy --strict``, and does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import labellerr_ds as lds


def review(folder: Path) -> int:
    """Export, split, look, compare and keep a mirror."""
    client = lds.Client.sandbox()
    project: lds.Project = client.project("Street scenes")
    df = lds.export_to_dataframe(project, ["accepted"], progress=False)
    problems = df.labellerr.check()
    dataset = lds.export_dataset(project, ["accepted"], progress=False)
    split: lds.Split[lds.Dataset] = dataset.split(0.8, 0.1, 0.1)
    train = split["train"]
    report: lds.ConversionReport = train.to_yolo(folder / "yolo")
    viewer = lds.AnnotationViewer(dataset, classes=["car"])
    shown = viewer.where(category="car")
    picture = dataset.draw(dataset.files["file_id"][0], longest=200)
    comparison: lds.Comparison = lds.compare(dataset, train)
    job: lds.ExportJob = lds.create_export(project, "all", format="csv")
    state = job.wait(progress=False)
    mirror = lds.Mirror(str(folder / "mirror"))
    result: lds.SyncResult = mirror.sync(project, progress=False)
    changed = mirror.diff(0).files
    if TYPE_CHECKING:
        reveal_type(train)  # Dataset
        reveal_type(viewer)  # AnnotationViewer
        reveal_type(shown)  # int
        reveal_type(picture)  # Image
        reveal_type(mirror.diff(0))  # Comparison
        reveal_type(state.is_completed)  # bool
        reveal_type(report.images)  # int
    return len(problems) + len(comparison.files) + len(changed) + shown + result.added
