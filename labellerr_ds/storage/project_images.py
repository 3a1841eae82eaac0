"""Where a dataset gets its images from: the project that it came from, or the one that is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from labellerr_ds.core.errors import AuthError, InvalidArgumentError
from labellerr_ds.core.hint import argument, either
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.service.project import Project
from labellerr_ds.service.project_like import ProjectLike, as_project
from labellerr_ds.storage.images import download_images


class ProjectImages:
    """The images of a project; `Dataset.download_images` calls it.

    Parameters
    ----------
    project : Project, optional
        Kept in this process alone, since its client holds keys: a pickled one has none.
    """

    def __init__(self, project: Project | None = None) -> None:
        self.project = project

    def __call__(
        self, files: pd.DataFrame, folder: Path, project: ProjectLike | None, progress: ProgressOption
    ) -> pd.DataFrame:
        """Fetch the images of a `files` frame into a folder."""
        if isinstance(project, str) and self.project is not None and project == self.project.project_id:
            project = self.project
        if project is None or (isinstance(project, list)):
            raise InvalidArgumentError("this dataset does not know its project.", hint=argument("project"))
        try:
            resolved = as_project(project)
        except AuthError as problem:
            raise AuthError(f"{problem.message}", hint=either(problem.hint, argument("project"))) from None
        return download_images(files, folder, resolved, progress=progress)

    def __getstate__(self) -> dict[str, Any]:
        return {"project": None}
