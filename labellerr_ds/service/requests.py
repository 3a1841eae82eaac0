"""Request bodies of the API."""

from __future__ import annotations

import json
from typing import Any

from labellerr_ds.core import vendor
from labellerr_ds.core.models import ExportRequest, FileStatus, S3Destination
from labellerr_ds.core.redaction import Secret
from labellerr_ds.core.since import to_milliseconds


def export_body(request: ExportRequest) -> dict[str, Any]:
    """The body of the request that creates an export. D, S; null for the files without a status: A."""
    body: dict[str, Any] = {
        "export_name": request.name,
        "export_description": request.description,
        "export_format": request.format.value,
        "statuses": [None if status is FileStatus.NONE else status.value for status in request.statuses],
        "question_ids": ["all"] if request.question_ids is None else list(request.question_ids),
        "export_destination": "local",
    }
    if isinstance(request.destination, S3Destination):
        body["export_destination"] = "s3"
        body["connection_id"] = request.destination.connection_id
        body["export_folder_path"] = request.destination.bucket_path
    if request.since is not None:
        body["updated_after_timestamp"] = to_milliseconds(request.since)
    return body


def connection_fields(access_key: str, secret_key: str) -> dict[str, str]:
    """What both requests about a new connection hold. S."""
    keys = {"access_key_id": access_key, "secret_access_key": secret_key}
    return {**vendor.CONNECTIONS, "credentials": Secret(json.dumps(keys))}
