"""What is known and what is only assumed of Labellerr's service, in one place.

Each fact is marked by how it is known: D documented by the vendor, S sent or read by the vendor's
own SDK, F seen in a real export file, **A assumed**. When a real account shows which of the assumed
forms is true, a line here changes and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict

import pandas as pd

from labellerr_ds import schema
from labellerr_ds.errors import UnexpectedAnswerError
from labellerr_ds.models import (
    ExportRequest,
    ExportState,
    FileStatus,
    S3Destination,
    S3Object,
    SignedLink,
    State,
)
from labellerr_ds.since import to_milliseconds

DEFAULT_BASE_URL = "https://api.labellerr.com"  # S
DASHBOARD = "https://pro.labellerr.com"  # S: the value of the origin header

# --- paths

PROJECT = "/projects/project/{project_id}"  # S
PROJECTS = "/project_drafts/projects/detailed_list"  # S
TEMPLATE = "/annotations/get_template"  # S
CREATE_EXPORT = "/sdk/export/files"  # S
EXPORT_STATUS = "/exports/status"  # S
EXPORT_LINK = "/exports/download"  # S
EXPORT_LIST = "/exports/list"  # A
FILE_LINKS = "/cdn-web/files_links"  # S
TEST_CONNECTION = "/connectors/connections/test"  # S
CREATE_CONNECTION = "/connectors/connections/create"  # S
LIST_CONNECTIONS = "/connectors/connections/list"  # S
DELETE_CONNECTION = "/connectors/connections/delete"  # S

# --- names that come in more than one form; the first is what is assumed

LINK_KEYS = ("url", "download_url")  # S
FILE_LINKS_KEYS = ("fileLinks", "file_links")  # S; either also under `response`
FILE_LINK_KEYS = ("url", "signed_url", "link")  # S
EXPIRES_IN_KEYS = ("expires_in", "expiry")  # A: seconds
EXPIRES_AT_KEYS = ("expires_at", "expiry")  # A: ISO text
REASON_KEYS = ("error", "reason", "message", "error_message")  # A
NAME_KEYS = ("project_name", "name")  # S, A
TEMPLATE_QUESTION_KEYS = ("question", "question_name")  # A
TEMPLATE_TYPE_KEYS = ("option_type", "question_type")  # A
ANSWER_QUESTION_KEYS = ("question_name", "question")  # S, A
ANSWER_TYPE_KEYS = ("question_type", "option_type")  # S, A
SEGMENT_KEYS = ("start", "end", "text")  # A: seconds
ACTIVITY_TIME_KEYS = ("updated_at", "created_at", "timestamp", "time")  # A: milliseconds

# --- S3

CONNECTIONS = {"connector": "s3", "connection_type": "export"}  # S
CONNECTION_DATA_TYPE = "image"  # A: asked for by the test of a connection, which exports of any kind go through
EMAIL_HEADER = "email_id"  # S: the requests about connections carry the api key in it as well
S3_CLOCK_SLACK = timedelta(seconds=2)  # A: stores tell whole seconds, and round them either way

# --- words

EMPTY_WORDS = "no files found"  # D, in any letter case
DONE_WORDS = frozenset({"created"})  # S; with `is_completed`
FAILED_WORDS = frozenset({"failed"})  # S
RUNNING_WORDS = frozenset({"processing", "in_progress", "in progress", "pending", "queued", "created"})  # A

QUESTION_TYPES = {  # S: how a vendor's question type reads in a frame; compared in lower case
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


def first_of(mapping: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value under the first of these keys that is there and not null."""
    return next((mapping[key] for key in keys if mapping.get(key) is not None), None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _response(answer: Any, what: str) -> Any:
    if not isinstance(answer, dict) or "response" not in answer:
        raise UnexpectedAnswerError(f"{what}: expected a JSON object with 'response', got {_shape(answer)}.")
    return answer["response"]


def _shape(answer: Any) -> str:
    if isinstance(answer, dict):
        return f"an object with the keys {sorted(answer)}"
    return f"a {type(answer).__name__}"


# --- what is sent


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


# --- what comes back


def report_id(answer: Any) -> str:
    """The id of a new export. S."""
    hint = "The export may exist; project.exports() or the dashboard tells."
    return _new_id(answer, "creating an export", "report_id", hint)


def _new_id(answer: Any, what: str, key: str, hint: str) -> str:
    response = _response(answer, what)
    found = response.get(key) if isinstance(response, dict) else None
    if not isinstance(found, str) or not found:
        raise UnexpectedAnswerError(f"{what}: expected response.{key}, got {_shape(response)}. {hint}")
    return found


def export_states(answer: Any) -> dict[str, ExportState]:
    """The states by report id; what is not understood is 'unknown', never an error. S."""
    told = answer
    if isinstance(answer, dict):
        told = answer.get("status") if isinstance(answer.get("status"), list) else answer.get("response")
    if isinstance(told, dict):
        told = told.get("status")
    return {str(item["report_id"]): _state(item) for item in _objects(told) if item.get("report_id")}


def _state(item: dict[str, Any]) -> ExportState:
    raw = item.get("export_status")
    raw = raw if isinstance(raw, str) else None
    word = (raw or "").strip().lower()
    state: State
    if word in FAILED_WORDS:
        state = "failed"
    elif item.get("is_completed") is True:
        state = "completed"
    elif word in RUNNING_WORDS:
        state = "running"
    else:
        state = "unknown"
    reason = first_of(item, REASON_KEYS)
    url = item.get("download_url")
    return ExportState(
        str(item["report_id"]),
        state,
        raw,
        str(reason) if reason is not None and state == "failed" else None,
        SignedLink(url) if isinstance(url, str) and url.startswith("http") else None,
    )


def signed_link(answer: Any, now: datetime) -> SignedLink:
    """The link, and when it expires where that is told."""
    response = _response(answer, "asking for the download link")
    if isinstance(response, str) and response.startswith("http"):
        return SignedLink(response)
    url = first_of(response, LINK_KEYS) if isinstance(response, dict) else None
    if not isinstance(url, str) or not url.startswith("http"):
        raise UnexpectedAnswerError(
            f"asking for the download link: expected a link in response, response.{' or response.'.join(LINK_KEYS)}, "
            f"got {_shape(response)}."
        )
    return SignedLink(url, _expiry(response, now))


def file_links(answer: Any, count: int) -> list[SignedLink]:
    """Links to files, in the order in which they were asked for (the order: A). S."""
    told = answer
    for key in ("response", *FILE_LINKS_KEYS):
        if isinstance(told, dict) and key in told:
            told = told[key]
    urls = [first_of(item, FILE_LINK_KEYS) for item in _objects(told)]
    if len(urls) != count or not all(isinstance(url, str) and url.startswith("http") for url in urls):
        raise UnexpectedAnswerError(
            f"asking for the links of {count} files: expected fileLinks with as many links, got {len(urls)}."
        )
    return [SignedLink(url) for url in urls]


def _expiry(response: dict[str, Any], now: datetime) -> datetime | None:
    at, within = first_of(response, EXPIRES_AT_KEYS), first_of(response, EXPIRES_IN_KEYS)
    if isinstance(at, str):
        try:
            stamp = pd.Timestamp(at)
            stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
        except ValueError:
            return None
        return datetime.fromtimestamp(stamp.timestamp(), timezone.utc)
    if isinstance(within, int | float) and 0 <= within < 10**9:
        return now + timedelta(seconds=within)
    return None


class ListedExport(TypedDict):
    """One export of the list."""

    report_id: str
    name: str | None
    state: str
    raw_state: str | None
    format: str | None
    destination: str | None
    statuses: str | None
    created_at: int | None


def export_list(answer: Any) -> list[ListedExport]:
    """All exports, finished and running, as they came. The names: D; the wrapping: A."""
    response = answer.get("response", answer) if isinstance(answer, dict) else answer
    if not isinstance(response, dict) or not {"completed", "in_progress"} & set(response):
        raise UnexpectedAnswerError(
            f"listing the exports: expected the lists 'completed' and 'in_progress', got {_shape(response)}."
        )
    listed: list[ListedExport] = []
    for group in ("in_progress", "completed"):
        for item in _objects(response.get(group)):
            if not item.get("report_id"):
                continue
            state = _state({"is_completed": group == "completed", **item})
            statuses = item.get("statuses")
            created = item.get("created_at")
            listed.append(
                {
                    "report_id": state.report_id,
                    "name": item.get("export_name"),
                    "state": "running" if group == "in_progress" and state.state == "unknown" else state.state,
                    "raw_state": state.raw,
                    "format": item.get("export_format"),
                    "destination": item.get("export_destination"),
                    "statuses": ", ".join(str(each) for each in statuses) if isinstance(statuses, list) else None,
                    "created_at": created if isinstance(created, int) else None,
                }
            )
    return listed


class Connection(TypedDict):
    """An S3 connection of the list."""

    connection_id: str
    name: str | None
    description: str | None
    created_at: int | None


def connection_fields(access_key: str, secret_key: str) -> dict[str, str]:
    """What both requests about a new connection hold. S."""
    keys = {"access_key_id": access_key, "secret_access_key": secret_key}
    return {**CONNECTIONS, "credentials": json.dumps(keys)}


def connection_id(answer: Any) -> str:
    """The id of a new connection. S."""
    hint = "The connection may exist; client.s3_connections() tells."
    return _new_id(answer, "creating an S3 connection", "connection_id", hint)


def connections(answer: Any) -> list[Connection]:
    """The S3 connections. S; `created_at`: A."""
    response = _response(answer, "listing the S3 connections")
    if not isinstance(response, list):
        raise UnexpectedAnswerError(f"listing the S3 connections: expected a list, got {_shape(response)}.")
    return [
        {
            "connection_id": str(item["connection_id"]),
            "name": item.get("name"),
            "description": item.get("description"),
            "created_at": item["created_at"] if isinstance(item.get("created_at"), int) else None,
        }
        for item in _objects(response)
        if item.get("connection_id")
    ]


def objects_of_export(
    found: Sequence[S3Object], folder: str, report_id: str, window: tuple[datetime, datetime] | None, *, masks: bool
) -> tuple[list[S3Object], list[S3Object]]:
    """Those objects in an export's folder that it wrote, and those that it may have. **A**, all of it.

    Where the report id is in the first name below the folder, it is those: a file, shards of one kind, or
    all in a folder of that name. Else it is what was written between the creation and the completion: one
    object, or the loose masks of a png export in one folder.

    Parameters
    ----------
    found : sequence of S3Object
        All below the folder.
    folder : str
        The prefix, without the bucket.
    window : (datetime, datetime) or None
        From creation to completion, by the store's clock; None where that is not known.
    masks : bool
        Whether the export is known to be one of masks.

    Returns
    -------
    written, candidates : lists of S3Object
        `written` is empty where it cannot be told; then `candidates` are what it may be.
    """
    token = re.compile(rf"(?<![0-9A-Za-z]){re.escape(report_id)}(?![0-9A-Za-z])")
    firsts = [each.key[len(folder) :].partition("/") for each in found]
    named = [each for each, (first, _, _) in zip(found, firsts, strict=True) if token.search(first)]
    if named:
        places = {first if slash else "" for first, slash, _ in firsts if token.search(first)}
        endings = {each.key.rsplit(".", 1)[-1].lower() for each in named}
        alone = len(named) == 1 or (len(places) == 1 and (places != {""} or len(endings) == 1))
        return (named, []) if alone else ([], named)
    if window is None:
        return [], list(found)
    first, last = window[0] - S3_CLOCK_SLACK, window[1] + S3_CLOCK_SLACK
    within = [each for each in found if first <= each.modified <= last]
    if len(within) == 1:
        return within, []
    loose = all(each.key.lower().endswith(".png") for each in within)
    folders = {each.key[len(folder) :].rpartition("/")[0].split("/")[0] for each in within}
    return (within, []) if masks and loose and len(folders) == 1 else ([], within)


def name_in_export(key: str, folder: str, report_id: str) -> str:
    """An object's name within its export: without the folder, and without a first folder named after the report. A."""
    name = key[len(folder) :]
    first, _, rest = name.partition("/")
    return rest if rest and report_id in first else name


def projects(answer: Any) -> list[dict[str, Any]]:
    """The projects, as they came. S."""
    response = _response(answer, "listing the projects")
    found = response.get("projects") if isinstance(response, dict) else response
    if not isinstance(found, list):
        raise UnexpectedAnswerError(f"listing the projects: expected response.projects, got {_shape(response)}.")
    return [item for item in _objects(found) if item.get("project_id")]


def project(answer: Any) -> dict[str, Any]:
    """One project's facts, as they came. S."""
    response = _response(answer, "asking for the project")
    if not isinstance(response, dict):
        raise UnexpectedAnswerError(f"asking for the project: expected an object, got {_shape(response)}.")
    return response


PROJECT_STATES = {300: "ready"}  # S; failed from 400 on


def project_status(code: object) -> str | None:
    """What a project's `status_code` says."""
    if not isinstance(code, int):
        return None
    return PROJECT_STATES.get(code, "failed" if code >= 400 else "preparing")


def questions(answer: Any) -> list[dict[str, Any]]:
    """The questions of a template. S; their inner names: A."""
    response = _response(answer, "asking for the template")
    found = response.get("questions") if isinstance(response, dict) else None
    if not isinstance(found, list):
        raise UnexpectedAnswerError(f"asking for the template: expected response.questions, got {_shape(response)}.")
    return _objects(found)


def categories(questions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A `categories` frame from a template's questions, in their order.

    Parameters
    ----------
    questions : sequence of mappings
        As the service has them; what has no column goes into `extra`.
    """
    named = {
        "question_id", "color",
        *TEMPLATE_QUESTION_KEYS, *TEMPLATE_TYPE_KEYS,
    }  # fmt: skip
    rows = []
    for question in questions:
        question_id = question.get("question_id")
        rest = {key: value for key, value in question.items() if key not in named and value not in (None, [], {}, "")}
        rows.append(
            (
                None if question_id is None else str(question_id),
                first_of(question, TEMPLATE_QUESTION_KEYS),
                schema.hex_color(question.get("color")),
                first_of(question, TEMPLATE_TYPE_KEYS),
                schema.json_text(rest) if rest else None,
            )
        )
    ids, names, colors, types, extras = zip(*rows, strict=True) if rows else ((),) * 5
    return schema.build(
        "categories",
        {
            "category_id": list(ids), "name": list(names), "color": list(colors), "question_id": list(ids),
            "question_type": list(types), "extra": list(extras),
        },
        len(rows),
    )  # fmt: skip
