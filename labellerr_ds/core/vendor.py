"""Every fact about Labellerr's API, known or assumed, and what is assumed of its csv, in one place.

Each fact carries how it is known: **D** documented by the vendor, **S** sent or read by the vendor's
own SDK, **F** seen in a real export file, **A** assumed. When a real account shows which of the
assumed forms is true, a line here changes and nothing else. The keys of the other export files, which were seen
(F), are in the reader of their format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

DEFAULT_BASE_URL = "https://api.labellerr.com"  # S
DASHBOARD = "https://pro.labellerr.com"  # S: the value of the origin header
SOURCE = "labellerr-ds"  # S: the SDK sends "sdk"

# --- paths

PROJECT = "/projects/project/{project_id}"  # S
PROJECTS = "/project_drafts/projects/detailed_list"  # S
TEMPLATE = "/annotations/get_template"  # S
CREATE_EXPORT = "/sdk/export/files"  # S
EXPORT_STATUS = "/exports/status"  # S
EXPORT_LINK = "/exports/download"  # S
EXPORT_LIST = "/exports/list"  # S
FILE_LINKS = "/cdn-web/files_links"  # S
TEST_CONNECTION = "/connectors/connections/test"  # S
CREATE_CONNECTION = "/connectors/connections/create"  # S
LIST_CONNECTIONS = "/connectors/connections/list"  # S
DELETE_CONNECTION = "/connectors/connections/delete"  # S

# --- names that come in more than one form; the first is what is assumed

STATUS_KEYS = ("response", "status")  # S: the newest SDK reads the first; some deployments use the second
COMPLETED_KEY = "completed"  # S: of the list of exports
RUNNING_KEYS = ("inProgress", "in_progress")  # S
STATUS_LINK_KEY = "download_url"  # S
LINK_KEYS = ("url", "download_url")  # S
FILE_LINKS_KEYS = ("fileLinks", "file_links")  # S; either also under `response`
FILE_LINK_KEYS = ("url", "signed_url", "link")  # S
EXPIRES_IN_KEYS = ("expires_in", "expiry")  # A: seconds
EXPIRES_AT_KEYS = ("expires_at", "expiry")  # A: ISO timestamp
REASON_KEYS = ("error", "reason", "message", "error_message")  # A
NAME_KEYS = ("project_name", "name")  # S, A
TEMPLATE_QUESTION_KEYS = ("question", "question_name")  # A
TEMPLATE_TYPE_KEYS = ("option_type", "question_type")  # A
TEMPLATE_COLOR_OPTION = "option_name"  # S: the color of a class is the name of its question's only option
ANSWER_QUESTION_KEYS = ("question_name", "question")  # S, A
ANSWER_TYPE_KEYS = ("question_type", "option_type")  # S, A
SEGMENT_KEYS = ("start", "end", "text")  # A: seconds
# S: how the labelling screen stores an answer; that exports do is A. Without a `question_name`, `label` is the class.
SCREEN_LABEL_KEY = "label"
SCREEN_ID_KEY = "_id"
SCREEN_RATE_KEY = "fps"  # frames per second, of a video sample without a timestamp
SCREEN_KEYS = frozenset({"label", "option_type", "_id", "groupId", "start", "end", "startFrame", "fps"})
ACTIVITY_TIME_KEYS = ("updated_at", "created_at", "timestamp", "time")  # A: milliseconds

# --- S3

CONNECTIONS = {"connector": "s3", "connection_type": "export"}  # S
CONNECTION_DATA_TYPE = "image"  # A: required by the test of a connection, which exports of any kind go through
EMAIL_HEADER = "email_id"  # S: requests about connections carry the api key in it as well
S3_CLOCK_SLACK = timedelta(seconds=2)  # A: stores report whole seconds, and round them either way

# --- words

EMPTY_WORDS = "no files found"  # D, in any letter case
DONE_WORDS = frozenset({"created"})  # S; with `is_completed`
FAILED_WORDS = frozenset({"failed"})  # S
NO_RETRY_STATUSES = frozenset({401, 403, 404, 429})  # refusals of a request that say nothing about its null
RUNNING_WORDS = frozenset({"processing", "in_progress", "in progress", "pending", "queued", "created"})  # A
PROJECT_STATES = {300: "ready"}  # S
PROJECT_FAILED_FROM = 400  # S

QUESTION_TYPES = {  # S: the type of annotation that a question of this type has; compared in lower case
    "boundingbox": "bbox",
    "polygon": "polygon",
    "polyline": "polyline",
    "dot": "point",
    "radio": "classification",
    "dropdown": "classification",
    "boolean": "classification",
    "select": "classification",
    "imc": "classification",
    "input": "text",
    "stt": "speech",
    "audio": "speech",
}
SHAPE_TYPES = frozenset({"bbox", "polygon", "polyline", "point"})
"""The types of annotations that Labellerr's own formats have as shapes."""
QUESTION_TYPE_SPELLINGS = ("BoundingBox",)  # S: the words that are not written in lower case
TEXT_QUESTION_TYPES = frozenset({"radio", "dropdown", "boolean", "input"})  # A: in a csv, a cell of plain text
LIST_QUESTION_TYPES = frozenset({"select", "imc"})  # S: an answer is a list of values
INPUT_QUESTION_TYPE = "input"  # D: free text
CSV_COLUMNS = {  # A: how the columns of `files` are spelled; compared in lower case, with _ for spaces
    "file_id": ("file_id", "fileid"),
    "file_name": ("file_name", "filename"),
    "status": ("file_status", "status"),
    "remarks": ("remarks", "file_remarks", "remark"),
    "created_at": ("created_at", "date_created"),
    "updated_at": ("updated_at", "date_updated"),
    "width": ("image_width", "width"),
    "height": ("image_height", "height"),
    "file_size_mb": ("file_size", "file_size_mb"),
    "file_format": ("file_format", "format"),
}
CSV_ANSWER_COLUMN = "answer"  # A: of a table with a row an answer
ROTATION_SENSE = 1  # A: the rotation of a box is in degrees, clockwise as seen; -1 is counter-clockwise
MASK_QUESTION_TYPES = frozenset({"boundingbox", "polygon"})  # A: what a png mask shows


def first_of(mapping: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value of the first of these keys that is present and not null."""
    return next((mapping[key] for key in keys if mapping.get(key) is not None), None)


def text_of(value: Any) -> str | None:
    """The text of a field that should be one: of a number or a flag, JSON of a list or an object, None for null."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
