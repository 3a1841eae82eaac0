"""Replies of the API, parsed into plain values; tolerant of every form that `vendor` names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypedDict

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import UnexpectedAnswerError
from labellerr_ds.core.hint import Hint, call
from labellerr_ds.core.models import ExportState, SignedLink, State
from labellerr_ds.core.since import parse_timestamp, read_moment


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


def report_id(answer: Any) -> str:
    """The id of a new export. S."""
    return _new_id(answer, "creating an export", "report_id", call("project.exports()"))


def _new_id(answer: Any, what: str, key: str, hint: Hint) -> str:
    response = _response(answer, what)
    new_id = response.get(key) if isinstance(response, dict) else None
    if isinstance(new_id, int) and not isinstance(new_id, bool):
        new_id = str(new_id)
    if not isinstance(new_id, str) or not new_id:
        raise UnexpectedAnswerError(
            f"{what}: expected response.{key}, got {_shape(response)}; it may exist all the same.", hint=hint
        )
    return new_id


def export_states(answer: Any) -> dict[str, ExportState]:
    """The states by report id; what is not understood is 'unknown', never an error. S."""
    content = answer
    while isinstance(content, dict):
        content = vendor.first_of(content, vendor.STATUS_KEYS)
    return {str(item["report_id"]): _state(item) for item in _objects(content) if item.get("report_id")}


def _state(item: dict[str, Any]) -> ExportState:
    raw = item.get("export_status")
    raw = raw if isinstance(raw, str) else None
    word = (raw or "").strip().lower()
    state: State
    if word in vendor.FAILED_WORDS:
        state = "failed"
    elif item.get("is_completed") is True:
        state = "completed"
    elif word in vendor.RUNNING_WORDS:
        state = "running"
    else:
        state = "unknown"
    reason = vendor.first_of(item, vendor.REASON_KEYS)
    url = item.get(vendor.STATUS_LINK_KEY)
    return ExportState(
        str(item["report_id"]),
        state,
        raw,
        str(reason) if reason is not None and state == "failed" else None,
        SignedLink(url) if isinstance(url, str) and url.startswith("http") else None,
    )


def signed_link(answer: Any, now: datetime) -> SignedLink:
    """The link, and when it expires, where known."""
    response = _response(answer, "asking for the download link")
    if isinstance(response, str) and response.startswith("http"):
        return SignedLink(response)
    url = vendor.first_of(response, vendor.LINK_KEYS) if isinstance(response, dict) else None
    if not isinstance(url, str) or not url.startswith("http"):
        raise UnexpectedAnswerError(
            "asking for the download link: expected a link in response, "
            f"response.{' or response.'.join(vendor.LINK_KEYS)}, got {_shape(response)}."
        )
    return SignedLink(url, _expiry(response, now))


def file_links(answer: Any, count: int) -> list[SignedLink]:
    """Links to files, in the order in which they were asked for (the order: A). S."""
    content = answer
    for key in ("response", *vendor.FILE_LINKS_KEYS):
        if isinstance(content, dict) and key in content:
            content = content[key]
    urls = [vendor.first_of(item, vendor.FILE_LINK_KEYS) for item in _objects(content)]
    if len(urls) != count or not all(isinstance(url, str) and url.startswith("http") for url in urls):
        raise UnexpectedAnswerError(
            f"asking for the links of {count} files: expected fileLinks with as many links, got {len(urls)}."
        )
    return [SignedLink(url) for url in urls]


def _expiry(response: dict[str, Any], now: datetime) -> datetime | None:
    at, within = vendor.first_of(response, vendor.EXPIRES_AT_KEYS), vendor.first_of(response, vendor.EXPIRES_IN_KEYS)
    if isinstance(at, str):
        return parse_timestamp(at)
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
    if not isinstance(response, dict) or not {vendor.COMPLETED_KEY, *vendor.RUNNING_KEYS} & set(response):
        raise UnexpectedAnswerError(
            f"listing the exports: expected the lists {vendor.COMPLETED_KEY!r} and {vendor.RUNNING_KEYS[0]!r}, "
            f"got {_shape(response)}."
        )
    listed: list[ListedExport] = []
    for group in (*vendor.RUNNING_KEYS, vendor.COMPLETED_KEY):
        is_completed = group == vendor.COMPLETED_KEY
        for item in _objects(response.get(group)):
            if not item.get("report_id"):
                continue
            state = _state({"is_completed": is_completed, **item})
            statuses = item.get("statuses")
            listed.append(
                {
                    "report_id": state.report_id,
                    "name": vendor.text_of(item.get("export_name")),
                    "state": "running" if not is_completed and state.state == "unknown" else state.state,
                    "raw_state": state.raw,
                    "format": vendor.text_of(item.get("export_format")),
                    "destination": vendor.text_of(item.get("export_destination")),
                    "statuses": ", ".join(str(each) for each in statuses) if isinstance(statuses, list) else None,
                    "created_at": read_moment(item.get("created_at")),
                }
            )
    return listed


class Connection(TypedDict):
    """An S3 connection of the list."""

    connection_id: str
    name: str | None
    description: str | None
    created_at: int | None


def connection_id(answer: Any) -> str:
    """The id of a new connection. S."""
    return _new_id(answer, "creating an S3 connection", "connection_id", call("client.s3_connections()"))


def connections(answer: Any) -> list[Connection]:
    """The S3 connections. S; `created_at`: A."""
    response = _response(answer, "listing the S3 connections")
    if not isinstance(response, list):
        raise UnexpectedAnswerError(f"listing the S3 connections: expected a list, got {_shape(response)}.")
    return [
        {
            "connection_id": str(item["connection_id"]),
            "name": vendor.text_of(item.get("name")),
            "description": vendor.text_of(item.get("description")),
            "created_at": read_moment(item.get("created_at")),
        }
        for item in _objects(response)
        if item.get("connection_id")
    ]


def projects(answer: Any) -> list[dict[str, Any]]:
    """The projects, as they came. S."""
    response = _response(answer, "listing the projects")
    projects = response.get("projects") if isinstance(response, dict) else response
    if not isinstance(projects, list):
        raise UnexpectedAnswerError(f"listing the projects: expected response.projects, got {_shape(response)}.")
    return [item for item in _objects(projects) if item.get("project_id")]


def project(answer: Any) -> dict[str, Any]:
    """One project's facts, as they came. S."""
    response = _response(answer, "asking for the project")
    if not isinstance(response, dict):
        raise UnexpectedAnswerError(f"asking for the project: expected an object, got {_shape(response)}.")
    return response


def project_status(code: object) -> str | None:
    """What a project's `status_code` says."""
    if not isinstance(code, int):
        return None
    return vendor.PROJECT_STATES.get(code, "failed" if code >= vendor.PROJECT_FAILED_FROM else "preparing")


def questions(answer: Any) -> list[dict[str, Any]]:
    """The questions of a template. S; their inner names: A."""
    response = _response(answer, "asking for the template")
    questions = response.get("questions") if isinstance(response, dict) else None
    if not isinstance(questions, list):
        raise UnexpectedAnswerError(f"asking for the template: expected response.questions, got {_shape(response)}.")
    return _objects(questions)
