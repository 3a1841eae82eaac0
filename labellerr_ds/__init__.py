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
from labellerr_ds import accessor as _accessor  # noqa: F401
from labellerr_ds.shapes import segmentation as _segmentation  # noqa: F401

if TYPE_CHECKING:
    from labellerr_ds.analysis.comparison import Comparison as Comparison
    from labellerr_ds.analysis.split_result import Split as Split
    from labellerr_ds.cluster import convert_exports as convert_exports
    from labellerr_ds.cluster import read_exports_dask as read_exports_dask
    from labellerr_ds.combine import compare as compare
    from labellerr_ds.combine import concat as concat
    from labellerr_ds.combine import update as update
    from labellerr_ds.converters.selection import ConversionReport as ConversionReport
    from labellerr_ds.dataset import Dataset as Dataset
    from labellerr_ds.door import export_dataset as export_dataset
    from labellerr_ds.door import export_to_coco as export_to_coco
    from labellerr_ds.door import export_to_dataframe as export_to_dataframe
    from labellerr_ds.door import read_export as read_export
    from labellerr_ds.door import scan_export as scan_export
    from labellerr_ds.errors import AmbiguousCreateError as AmbiguousCreateError
    from labellerr_ds.errors import AmbiguousObjectsError as AmbiguousObjectsError
    from labellerr_ds.errors import AuthError as AuthError
    from labellerr_ds.errors import ConnectionFailedError as ConnectionFailedError
    from labellerr_ds.errors import DiskError as DiskError
    from labellerr_ds.errors import DownloadError as DownloadError
    from labellerr_ds.errors import EmptyExportError as EmptyExportError
    from labellerr_ds.errors import ExportFailedError as ExportFailedError
    from labellerr_ds.errors import ExportTimeoutError as ExportTimeoutError
    from labellerr_ds.errors import InvalidArgumentError as InvalidArgumentError
    from labellerr_ds.errors import LabellerrError as LabellerrError
    from labellerr_ds.errors import LabellerrWarning as LabellerrWarning
    from labellerr_ds.errors import LimitError as LimitError
    from labellerr_ds.errors import LinkExpiredError as LinkExpiredError
    from labellerr_ds.errors import MirrorError as MirrorError
    from labellerr_ds.errors import MissingExtraError as MissingExtraError
    from labellerr_ds.errors import NotFoundError as NotFoundError
    from labellerr_ds.errors import RateLimitedError as RateLimitedError
    from labellerr_ds.errors import ReadError as ReadError
    from labellerr_ds.errors import ServiceError as ServiceError
    from labellerr_ds.errors import StorageError as StorageError
    from labellerr_ds.errors import UnexpectedAnswerError as UnexpectedAnswerError
    from labellerr_ds.exports.create import create_export as create_export
    from labellerr_ds.exports.job import ExportJob as ExportJob
    from labellerr_ds.exports.s3_connections import create_s3_connection as create_s3_connection
    from labellerr_ds.folders import read_voc as read_voc
    from labellerr_ds.folders import read_yolo as read_yolo
    from labellerr_ds.images.pixels import open_image as open_image
    from labellerr_ds.limits import Limits as Limits
    from labellerr_ds.mirror.mirror import Mirror as Mirror
    from labellerr_ds.mirror.sync import SyncResult as SyncResult
    from labellerr_ds.models import ExportFormat as ExportFormat
    from labellerr_ds.models import ExportState as ExportState
    from labellerr_ds.models import FileStatus as FileStatus
    from labellerr_ds.models import S3Destination as S3Destination
    from labellerr_ds.models import SignedLink as SignedLink
    from labellerr_ds.panels.picker import ExportPicker as ExportPicker
    from labellerr_ds.panels.viewer import AnnotationViewer as AnnotationViewer
    from labellerr_ds.sandbox import Sandbox as Sandbox
    from labellerr_ds.scan import ExportScan as ExportScan
    from labellerr_ds.service.client import Client as Client
    from labellerr_ds.service.project import Project as Project

__version__ = "0.1.0"

# Where each public name lives; it is loaded at first use (PEP 562), so that the import stays light.
_HOMES = {
    "AmbiguousCreateError": "errors",
    "AmbiguousObjectsError": "errors",
    "AnnotationViewer": "panels.viewer",
    "AuthError": "errors",
    "Client": "service.client",
    "Comparison": "analysis.comparison",
    "ConnectionFailedError": "errors",
    "ConversionReport": "converters.selection",
    "Dataset": "dataset",
    "DiskError": "errors",
    "DownloadError": "errors",
    "EmptyExportError": "errors",
    "ExportFailedError": "errors",
    "ExportFormat": "models",
    "ExportJob": "exports.job",
    "ExportPicker": "panels.picker",
    "ExportScan": "scan",
    "ExportState": "models",
    "ExportTimeoutError": "errors",
    "FileStatus": "models",
    "InvalidArgumentError": "errors",
    "LabellerrError": "errors",
    "LabellerrWarning": "errors",
    "LimitError": "errors",
    "Limits": "limits",
    "LinkExpiredError": "errors",
    "Mirror": "mirror.mirror",
    "MirrorError": "errors",
    "MissingExtraError": "errors",
    "NotFoundError": "errors",
    "Project": "service.project",
    "RateLimitedError": "errors",
    "ReadError": "errors",
    "S3Destination": "models",
    "Sandbox": "sandbox",
    "ServiceError": "errors",
    "SignedLink": "models",
    "Split": "analysis.split_result",
    "StorageError": "errors",
    "SyncResult": "mirror.sync",
    "UnexpectedAnswerError": "errors",
    "compare": "combine",
    "concat": "combine",
    "convert_exports": "cluster",
    "create_export": "exports.create",
    "create_s3_connection": "exports.s3_connections",
    "export_dataset": "door",
    "export_to_coco": "door",
    "export_to_dataframe": "door",
    "open_image": "images.pixels",
    "read_export": "door",
    "read_exports_dask": "cluster",
    "read_voc": "folders",
    "read_yolo": "folders",
    "scan_export": "door",
    "update": "combine",
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
