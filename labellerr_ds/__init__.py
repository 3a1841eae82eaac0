"""Labellerr's exports as pandas frames and COCO objects.

::

    import labellerr_ds as lds

    client = lds.Client()                        # keys from the environment; Client.sandbox() needs none
    project = client.project("project_id")
    df = lds.export_to_dataframe(project, ["accepted"], since="7d")

The flow, each step of which can be called alone: `service` asks for an export, `exports` waits for it,
`transfer` fetches it, `readers` make tables of the bytes, batch by batch, `finish` makes one export of the batches,
and a `Dataset` is frames of one schema over these.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Registered at import: the dtype of shapes, and df.labellerr.
from labellerr_ds.api import accessor as _accessor  # noqa: F401
from labellerr_ds.shapes import segmentation as _segmentation  # noqa: F401

if TYPE_CHECKING:
    from labellerr_ds.analysis.comparison import Comparison as Comparison
    from labellerr_ds.analysis.split_result import Split as Split
    from labellerr_ds.api.export import create_export as create_export
    from labellerr_ds.api.export import export_dataset as export_dataset
    from labellerr_ds.api.export import export_to_coco as export_to_coco
    from labellerr_ds.api.export import export_to_dataframe as export_to_dataframe
    from labellerr_ds.api.foreign import read_voc as read_voc
    from labellerr_ds.api.foreign import read_yolo as read_yolo
    from labellerr_ds.api.read import read_export as read_export
    from labellerr_ds.api.read import scan_export as scan_export
    from labellerr_ds.core.errors import AmbiguousCreateError as AmbiguousCreateError
    from labellerr_ds.core.errors import AmbiguousObjectsError as AmbiguousObjectsError
    from labellerr_ds.core.errors import AuthError as AuthError
    from labellerr_ds.core.errors import ConnectionFailedError as ConnectionFailedError
    from labellerr_ds.core.errors import DiskError as DiskError
    from labellerr_ds.core.errors import DownloadError as DownloadError
    from labellerr_ds.core.errors import EmptyExportError as EmptyExportError
    from labellerr_ds.core.errors import ExportFailedError as ExportFailedError
    from labellerr_ds.core.errors import ExportTimeoutError as ExportTimeoutError
    from labellerr_ds.core.errors import InvalidArgumentError as InvalidArgumentError
    from labellerr_ds.core.errors import LabellerrError as LabellerrError
    from labellerr_ds.core.errors import LabellerrWarning as LabellerrWarning
    from labellerr_ds.core.errors import LimitError as LimitError
    from labellerr_ds.core.errors import LinkExpiredError as LinkExpiredError
    from labellerr_ds.core.errors import MirrorError as MirrorError
    from labellerr_ds.core.errors import MissingExtraError as MissingExtraError
    from labellerr_ds.core.errors import NotFoundError as NotFoundError
    from labellerr_ds.core.errors import RateLimitedError as RateLimitedError
    from labellerr_ds.core.errors import ReadError as ReadError
    from labellerr_ds.core.errors import ServiceError as ServiceError
    from labellerr_ds.core.errors import StorageError as StorageError
    from labellerr_ds.core.errors import UnexpectedAnswerError as UnexpectedAnswerError
    from labellerr_ds.core.limits import Limits as Limits
    from labellerr_ds.core.models import ExportFormat as ExportFormat
    from labellerr_ds.core.models import ExportState as ExportState
    from labellerr_ds.core.models import FileStatus as FileStatus
    from labellerr_ds.core.models import S3Destination as S3Destination
    from labellerr_ds.core.models import SignedLink as SignedLink
    from labellerr_ds.dataset.combine import compare as compare
    from labellerr_ds.dataset.combine import concat as concat
    from labellerr_ds.dataset.combine import update as update
    from labellerr_ds.dataset.dataset import Dataset as Dataset
    from labellerr_ds.dataset.scan import ExportScan as ExportScan
    from labellerr_ds.distributed.exports import convert_exports as convert_exports
    from labellerr_ds.distributed.exports import read_exports_dask as read_exports_dask
    from labellerr_ds.exports.connections import create_s3_connection as create_s3_connection
    from labellerr_ds.exports.job import ExportJob as ExportJob
    from labellerr_ds.formats.selection import ConversionReport as ConversionReport
    from labellerr_ds.images.pixels import open_image as open_image
    from labellerr_ds.mirror.mirror import Mirror as Mirror
    from labellerr_ds.mirror.sync import SyncResult as SyncResult
    from labellerr_ds.sandbox import Sandbox as Sandbox
    from labellerr_ds.service.client import Client as Client
    from labellerr_ds.service.project import Project as Project
    from labellerr_ds.widgets.picker import ExportPicker as ExportPicker
    from labellerr_ds.widgets.viewer import AnnotationViewer as AnnotationViewer

__version__ = "0.1.0"

# Where each public name lives; it is loaded at first use (PEP 562), so that the import stays light.
_HOMES = {
    "AmbiguousCreateError": "core.errors",
    "AmbiguousObjectsError": "core.errors",
    "AnnotationViewer": "widgets.viewer",
    "AuthError": "core.errors",
    "Client": "service.client",
    "Comparison": "analysis.comparison",
    "ConnectionFailedError": "core.errors",
    "ConversionReport": "formats.selection",
    "Dataset": "dataset.dataset",
    "DiskError": "core.errors",
    "DownloadError": "core.errors",
    "EmptyExportError": "core.errors",
    "ExportFailedError": "core.errors",
    "ExportFormat": "core.models",
    "ExportJob": "exports.job",
    "ExportPicker": "widgets.picker",
    "ExportScan": "dataset.scan",
    "ExportState": "core.models",
    "ExportTimeoutError": "core.errors",
    "FileStatus": "core.models",
    "InvalidArgumentError": "core.errors",
    "LabellerrError": "core.errors",
    "LabellerrWarning": "core.errors",
    "LimitError": "core.errors",
    "Limits": "core.limits",
    "LinkExpiredError": "core.errors",
    "Mirror": "mirror.mirror",
    "MirrorError": "core.errors",
    "MissingExtraError": "core.errors",
    "NotFoundError": "core.errors",
    "Project": "service.project",
    "RateLimitedError": "core.errors",
    "ReadError": "core.errors",
    "S3Destination": "core.models",
    "Sandbox": "sandbox",
    "ServiceError": "core.errors",
    "SignedLink": "core.models",
    "Split": "analysis.split_result",
    "StorageError": "core.errors",
    "SyncResult": "mirror.sync",
    "UnexpectedAnswerError": "core.errors",
    "compare": "dataset.combine",
    "concat": "dataset.combine",
    "convert_exports": "distributed.exports",
    "create_export": "api.export",
    "create_s3_connection": "exports.connections",
    "export_dataset": "api.export",
    "export_to_coco": "api.export",
    "export_to_dataframe": "api.export",
    "open_image": "images.pixels",
    "read_export": "api.read",
    "read_exports_dask": "distributed.exports",
    "read_voc": "api.foreign",
    "read_yolo": "api.foreign",
    "scan_export": "api.read",
    "update": "dataset.combine",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
