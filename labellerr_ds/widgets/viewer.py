"""The annotation viewer: the public class, and its two forms."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import argument
from labellerr_ds.widgets.canvas_viewer import CanvasViewer
from labellerr_ds.widgets.display import in_vscode
from labellerr_ds.widgets.image_viewer import PictureViewer
from labellerr_ds.widgets.pages import Pages
from labellerr_ds.widgets.viewer_state import ViewerState

if TYPE_CHECKING:
    import pandas as pd

    from labellerr_ds.analysis.comparison import Comparison
    from labellerr_ds.dataset.dataset import Dataset

Backend = Literal["auto", "canvas", "image"]
BACKENDS = ("auto", "canvas", "image")


class AnnotationViewer(ViewerState):
    """Look through labels, file by file, in the notebook.

    Beside the image stands a list of its objects (a click selects one and shows its attributes, what it was asked about
    and its id), below it what the file was answered with. Files are filtered and ordered above it, or with
    ``viewer.where(category="car", answer=("weather", "rain"))``, which takes any boolean Series too.

    Keys (with the focus in the panel): left and right or p and n for the file, page up and down for the next
    file of a video, Home, End, up and down to select an annotation, ``[`` and ``]`` for the opacity, 1 to 9 for a
    class, 0 for all, g for thumbnails, f to fit, + and - to zoom, s for side by side and d for the next
    difference of a comparison, o for the list of objects, ? for help, Esc back to the cell.

    Parameters
    ----------
    dataset : Dataset, annotations frame, or Comparison
        Of a Dataset files without annotations are shown as well, and its predictions beside its labels; of a Comparison
        both of its sides.
    compare : Dataset or annotations frame, optional
        What was added, removed, moved, reclassified since `dataset`; of a frame with a `score` which
        predictions match, are false positives, and what was missed.
    images : folder, mapping of `file_id` to path, 'links', or Project, optional
        ``'links'`` fetches them through signed links of the project that the dataset came from, a `Project`
        through its own; the links stay in Python. A frame of a video is known by ``(file_id, frame)``. Without
        images annotations are drawn on grey.
    classes : str or list of str, optional
        Show these alone at first.
    opacity : float
        Of what is filled, 0 to 1.
    index : int
        The file that is shown first.
    layout : {'over', 'side'}
        Of a comparison: over one another, or side by side.
    backend : {'auto', 'canvas', 'image'}
        ``'canvas'`` draws in the browser; ``'image'`` sends a picture made by Pillow to ipywidgets' own
        controls, which needs no script of ours. ``'auto'`` is the canvas, and the picture in VS Code, which fetches
        other scripts than ipywidgets' own from the network.

    Attributes
    ----------
    index : int
        Which page is shown, from 0: a file, or a frame of a video. A value outside is set to the nearest page.
    count : int
        How many pages there are; read only.
    selected : int or None
        Index of the selected row, ``df.loc[viewer.selected]``; its position if the frame is not indexed by unique
        integers. Setting it shows its page. In a comparison it is not a row of either frame.
    hidden : list of int
        Positions in `classes` of those that are hidden.
    opacity : float

    Raises
    ------
    InvalidArgumentError
        For anything that is not a dataset, and a class, backend or folder that is not there.

    Examples
    --------
    >>> from labellerr_ds import Client, export_dataset
    >>> client = Client.sandbox()
    >>> project = client.project(client.projects()["project_id"][0])
    >>> dataset = export_dataset(project, ["accepted"], progress=False)
    >>> AnnotationViewer(dataset).index
    0
    >>> AnnotationViewer(dataset).image().size
    (640, 480)
    """

    def __new__(cls, *args: Any, backend: Backend = "auto", **options: Any) -> AnnotationViewer:
        """Make the form that `backend` names; both are this class."""
        if backend not in BACKENDS:
            raise InvalidArgumentError(f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}.")
        if cls is AnnotationViewer:
            is_picture = backend == "image" or (backend == "auto" and in_vscode())
            cls = PictureAnnotationViewer if is_picture else CanvasAnnotationViewer
        viewer: AnnotationViewer = super().__new__(cls)
        return viewer

    def __init__(
        self,
        dataset: Dataset | pd.DataFrame | Comparison,
        compare: Dataset | pd.DataFrame | None = None,
        *,
        images: Any = None,
        classes: str | list[str] | None = None,
        opacity: float = 0.35,
        index: int = 0,
        layout: Literal["over", "side"] = "over",
        backend: Backend = "auto",
    ) -> None:
        if (sides := getattr(dataset, "sides", None)) is not None:
            if compare is not None:
                raise InvalidArgumentError("a Comparison has both sides already.", hint=argument("compare", None))
            dataset, compare = sides
        if compare is None:
            compare = getattr(dataset, "predictions", None)
        pages = Pages(dataset, compare, images)
        super().__init__(pages, classes=classes, opacity=opacity, index=index, layout=layout)

    # what help and completion show, instead of the arguments of __new__
    __signature__ = inspect.Signature(list(inspect.signature(__init__).parameters.values())[1:])


class CanvasAnnotationViewer(AnnotationViewer, CanvasViewer):
    """The viewer that draws in the browser."""


class PictureAnnotationViewer(AnnotationViewer, PictureViewer):
    """The viewer that shows a picture between ipywidgets' own controls."""
