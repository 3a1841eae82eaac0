"""What is sent to the service."""

from __future__ import annotations

from datetime import datetime, timezone

import labellerr_ds as lds
from labellerr_ds.core import models
from labellerr_ds.service import requests


def test_the_body_of_a_request():
    request = models.ExportRequest(
        models.resolve_statuses(["accepted", None]),
        lds.ExportFormat.CSV,
        datetime(2024, 12, 17, tzinfo=timezone.utc),
        "n",
        "d",
        ("q1",),
        lds.S3Destination("b/f/", connection_id="c"),
    )
    assert requests.export_body(request) == {
        "export_name": "n",
        "export_description": "d",
        "export_format": "csv",
        "statuses": ["accepted", None],
        "question_ids": ["q1"],
        "export_destination": "s3",
        "connection_id": "c",
        "export_folder_path": "b/f/",
        "updated_after_timestamp": 1734393600000,
    }
