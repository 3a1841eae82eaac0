"""The annotation viewer: which of its forms is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.widgets.display import in_vscode
from labellerr_ds.widgets.pages import Pages
from labellerr_ds.widgets.viewer_state import hidden_classes, picture_of

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

    from labellerr_ds.analysis.comparison import Comparison
    from labellerr_ds.dataset.dataset import Dataset
    from labellerr_ds.widgets.canvas_viewer import CanvasViewer
    from labellerr_ds.widgets.picture_viewer import PictureViewer

Backend = Literal["auto", "canvas", "image", "static"]
BACKENDS = ("auto", "canvas", "image", "static")


def AnnotationViewer(  # noqa: N802
    dataset_or_frame: Dataset | pd.DataFrame | Comparison,
    compare: Dataset | pd.DataFrame | None = None,
    *,
    images: Any = None,
    classes: str | list[str] | None = None,
    opacity: float = 0.35,
    index: int = 0,
    layout: Literal["over", "side"] = "over",
    backend: Backend = "auto",
) -> CanvasViewer | PictureViewer | Image.Image:
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
    dataset_or_frame : Dataset, annotations frame, or Comparison
        Of a Dataset files without annotations are shown as well, and its predictions beside its labels; of a Comparison
        both of its sides.
    compare : Dataset or annotations frame, optional
        What was added, removed, moved, reclassified since `dataset_or_frame`; of a frame with a `score` which
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
    backend : {'auto', 'canvas', 'image', 'static'}
        ``'canvas'`` draws in the browser; ``'image'`` sends a picture made by Pillow to ipywidgets' own
        controls, which needs no script of ours; ``'static'`` gives a `PIL.Image.Image` of one file and no
        panel. ``'auto'`` is the canvas, and the picture in VS Code, which fetches other scripts than ipywidgets'
        own from the network.

    Returns
    -------
    CanvasViewer, PictureViewer or PIL.Image.Image
        A panel, whose attributes may be set but for `count`: `index` (which page is shown, from 0: a file, or a
        frame of a video; kept within what there is), `count` (how many pages there are), `selected` (the index of the
        selected row, ``df.loc[viewer.selected]``, or None; its position where the frame is not indexed by unique whole
        numbers; setting it shows its page; in a comparison it is not a row of either), `hidden` (places in `classes` of
        those that are hidden), `opacity`.

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
    >>> AnnotationViewer(dataset, backend="static").size
    (640, 480)
    """
    if backend not in BACKENDS:
        raise InvalidArgumentError(f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}.")
    if (sides := getattr(dataset_or_frame, "sides", None)) is not None:
        if compare is not None:
            raise InvalidArgumentError("a Comparison has both sides already: leave compare out.")
        dataset_or_frame, compare = sides
    if compare is None:
        compare = getattr(dataset_or_frame, "predictions", None)
    pages = Pages(dataset_or_frame, compare, images)
    if backend == "static":
        hidden = hidden_classes(classes, layout, pages)
        page = max(0, min(index, len(pages) - 1))
        both = layout == "side" and pages.compared
        picture = picture_of(pages, page, hidden, opacity, side_by_side=both, longest=None)
        pages.close()
        return picture
    if backend == "image" or (backend == "auto" and in_vscode()):
        from labellerr_ds.widgets.picture_viewer import PictureViewer

        return PictureViewer(pages, classes=classes, opacity=opacity, index=index, layout=layout)
    from labellerr_ds.widgets.canvas_viewer import CanvasViewer

    return CanvasViewer(pages, classes=classes, opacity=opacity, index=index, layout=layout)
