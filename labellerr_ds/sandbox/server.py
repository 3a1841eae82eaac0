"""The sandbox as a real HTTP service: one port for the API, another for the object store."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from labellerr_ds.sandbox import bucket, draw, injected, media, truth, writers
from labellerr_ds.sandbox.exports import Export, Exports, RefusedError
from labellerr_ds.sandbox.types import Answers, File, Question
from labellerr_ds.sandbox.world import Project, World

if TYPE_CHECKING:
    import pandas as pd

NOTICE = "This is a simulation made from Labellerr's public documentation; it is not Labellerr's service."
LINK_SECONDS = 3600

VARIANTS: dict[str, tuple[str, ...]] = {
    "list": ("list-snake", "list-flat", "list-404"),
    "status": ("status-top", "status-null"),
    "status-link": ("status-no-link",),
    "link": ("link-text", "link-download-url", "link-late"),
    "null": ("null-refused",),
    "template": ("template-color",),
    "body": ("body-zip", "body-zip-folder", "body-gzip"),
    "empty": ("empty-status", "empty-file"),
    "answers": ("answers-question", "answers-dict"),
    "values": ("values-list",),
    "video": ("video-list",),
    "csv": ("csv-answers", "csv-bom-semicolon"),
    "parts": ("parts",),
    "png": ("png-id", "png-annotated", "png-class", "png-rgb", "png-grey16"),
    "since": ("since-inclusive",),
    "since-status": ("status-untouched",),
    "ids": ("ids-one", "ids-plain"),
    "names": ("names-path",),
    "contributor": ("contributor-email",),
    "boxes": ("boxes-bare", "boxes-empty", "boxes-corners"),
    "numbers": ("quarters",),
    "coco-turned": ("coco-turned",),
    "png-turned": ("png-turned",),
    "rotation": ("rotation-ccw",),
    "s3": ("s3-plain", "s3-loose"),
}
"""The other forms of each assumption about the service, by row of the table of assumptions."""

DEFAULTS: dict[str, str] = {"contributor": "contributor-key"}
"""Names of first forms that have one; they can be passed as well."""

API = Map(
    [
        Rule("/projects/project/<project_id>", endpoint="project", methods=["GET"]),
        Rule("/projects/<project_id>", endpoint="project", methods=["GET"]),
        Rule("/project_drafts/projects/detailed_list", endpoint="projects", methods=["GET"]),
        Rule("/annotations/get_template", endpoint="template", methods=["GET"]),
        Rule("/sdk/export/files", endpoint="create", methods=["POST"]),
        Rule("/exports/status", endpoint="status", methods=["POST"]),
        Rule("/exports/download", endpoint="download", methods=["GET"]),
        Rule("/exports/list", endpoint="list", methods=["GET"]),
        Rule("/cdn-web/files_links", endpoint="files_links", methods=["POST"]),
        Rule("/search/project_files", endpoint="search_files", methods=["POST"]),
        Rule("/data/file_data", endpoint="file_data", methods=["GET"]),
        Rule("/connectors/connections/test", endpoint="connection_test", methods=["POST"]),
        Rule("/connectors/connections/create", endpoint="connection_create", methods=["POST"]),
        Rule("/connectors/connections/list", endpoint="connection_list", methods=["GET"]),
        Rule("/connectors/connections/<connection_id>/details", endpoint="connection_details", methods=["GET"]),
        Rule("/connectors/connections/delete", endpoint="connection_delete", methods=["POST"]),
    ]
)
STORE = Map([Rule("/<kind>/<name>/<path:served_as>", endpoint="object", methods=["GET", "HEAD"])])


@dataclass(frozen=True)
class Seen:
    """One request that came, without what is secret in it."""

    server: str
    method: str
    path: str
    headers: frozenset[str]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    sandbox: Sandbox

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.sandbox.now, usegmt=True)

    def make_environ(self) -> Any:
        environ = super().make_environ()
        # WSGI has no place for names with an underscore, and the API's credentials are such
        environ["sandbox.headers"] = {name.lower(): value for name, value in self.headers.items()}
        return environ

    def log(self, type: str, message: str, *args: Any) -> None:
        logging.getLogger("labellerr_ds.sandbox").debug("%s %s", self.command, self.path.split("?")[0])


def _parse_variant(variant: str | None) -> frozenset[str]:
    row_of = {name: row for row, names in VARIANTS.items() for name in names}
    row_of.update({name: row for row, name in DEFAULTS.items()})
    chosen = [name.strip() for name in (variant or "").split(",") if name.strip()]
    rows = [row_of.get(name) for name in chosen]
    for name, row in zip(chosen, rows, strict=True):
        if row is None:
            raise ValueError(f"unknown variant {name!r}; known: {', '.join(row_of)}")
        if rows.count(row) > 1:
            raise ValueError(f"variants of one thing exclude each other: {', '.join(VARIANTS[row])}")
    return frozenset(chosen) - set(DEFAULTS.values())


def _new_key() -> str:
    """A key in the form of a real one: hexadecimal digits, a point, and more of them."""
    return f"{secrets.token_hex(3)}.{secrets.token_hex(15)}"


class Sandbox:
    """A Labellerr service on this machine, with sample projects; a simulation, and it says so.

    Parameters
    ----------
    files : int
        Files of the largest project, the street scenes.
    seed : int
        The same seed gives the same ids, shapes and statuses; times are shifted as a whole.
    variant : str, optional
        Names out of `VARIANTS`, joined by commas: other forms of what is only assumed of the service.
    export_seconds : float
        How long an export takes.
    port, store_port : int
        0 takes free ones.
    s3_endpoint, s3_region : str
        Where the buckets of S3 connections are; the default is what ``AWS_ENDPOINT_URL`` says, else AWS.

    Examples
    --------
    >>> with Sandbox(files=20) as sandbox:
    ...     sorted(sandbox.truth(sandbox.project_ids[0]))
    ['annotations', 'categories', 'deleted', 'files']
    """

    def __init__(
        self,
        files: int = 60,
        seed: int = 0,
        variant: str | None = None,
        *,
        export_seconds: float = 0.8,
        port: int = 0,
        store_port: int = 0,
        s3_endpoint: str | None = None,
        s3_region: str = "us-east-1",
    ) -> None:
        if files < 1:
            raise ValueError(f"files must be at least 1, not {files}")
        self.variants = _parse_variant(variant)
        self.api_key = _new_key()
        self.api_secret = _new_key()
        self.client_id = f"sandbox_{secrets.token_hex(4)}"
        self.requests: list[Seen] = []
        self._sign_key = secrets.token_bytes(32)
        now_ms = int(time.time() * 1000) - 1000
        self._world = World(files, seed, now_ms, self.variants)
        self._lock = threading.RLock()
        self._ports, self._export_seconds = (port, store_port), export_seconds
        self._buckets = bucket.Store(s3_endpoint, s3_region)
        self._servers: list[BaseWSGIServer] = []

    # --- what a person does with it

    def start(self) -> Sandbox:
        """Serve until `stop`."""
        self._folder = tempfile.TemporaryDirectory(prefix="labellerr-sandbox-")
        folder = Path(self._folder.name)
        contributor = "sandbox@example.com" if "contributor-email" in self.variants else self.api_key
        self._exports = Exports(
            self._world, self.variants, self._export_seconds, folder, self._buckets, contributor=contributor
        )
        handler = type("Handler", (_Quiet,), {"sandbox": self})
        for application, port in zip((self._api, self._store), self._ports, strict=True):
            server = make_server("127.0.0.1", port, application, threaded=True, request_handler=handler)
            server.daemon_threads = True  # type: ignore[attr-defined]
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self._servers.append(server)
        return self

    def stop(self) -> None:
        """Stop serving, and forget the exports."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()
        self._folder.cleanup()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Sandbox({self.base_url if self._servers else 'stopped'}; a simulation)"

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def store_url(self) -> str:
        """Where the object store is, which signed links lead to."""
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    @property
    def project_ids(self) -> list[str]:
        """The projects: street scenes, videos, documents, calls, and street scenes with wrong labels among them."""
        return list(self._world.projects)

    @property
    def now(self) -> datetime:
        """The time of the world; it moves by `advance` alone."""
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=self._world.now_ms)

    def advance(self, **by: float) -> None:
        """Move the world's clock forward: ``advance(days=1)``, as a timedelta takes it."""
        step = timedelta(**by)
        if step < timedelta(0):
            raise ValueError("the clock cannot go back")
        with self._lock:
            self._world.advance(step // timedelta(milliseconds=1))

    def truth(self, project_id: str) -> dict[str, pd.DataFrame]:
        """What a project holds now: frames ``files``, ``annotations``, ``categories``, ``deleted``."""
        with self._lock:
            return truth.frames(self._world.projects[project_id])

    def masks(self, project_id: str) -> dict[str, Any]:
        """The label map of each image, ``(H, W)`` by `file_id`; 0 or the place of the class in the template.

        As the png export has it: a rotated box is turned with the variant ``png-turned`` only.
        """
        project = self._world.projects[project_id]
        turn = writers.turn(self.variants) if "png-turned" in self.variants else 0
        return {file.file_id: draw.label_map(project, file, project.answers(file), turn) for file in project.alive()}

    def planted(self) -> pd.DataFrame:
        """The wrong labels in the project "Street scenes with errors".

        Returns
        -------
        DataFrame
            `file_id`, `file_name`, `error` (``shifted``, ``duplicate``, ``missing``, ``swapped``: another class),
            `category` (in truth), `annotation_id` (missing where the label is), `bbox_x`, … (in truth).
        """
        with self._lock:
            return injected.injected_errors(*self._flawed())

    def predictions(self) -> pd.DataFrame:
        """What a detector says of the images of "Street scenes with errors"; made up, as all here.

        Returns
        -------
        DataFrame
            `file_id`, `file_name`, `category`, `score`, `bbox_x`, `bbox_y`, `bbox_width`, `bbox_height`.
        """
        with self._lock:
            return injected.predictions(*self._flawed())

    def _flawed(self) -> tuple[int, list[tuple[File, Answers]]]:
        """The seed of the project with errors, and its files with their true answers."""
        project = self._world.projects[self.project_ids[-1]]
        return project.seed, [(file, project.true_answers(file)) for file in project.alive()]

    def mask_classes(self, project_id: str) -> list[str]:
        """The question of each class of `masks`, from 1."""
        return [question.question_id for question, _ in draw.colors(self._world.projects[project_id])]

    # --- the API

    def _api(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        self._note("api", request)
        try:
            self._authenticate(request)
            endpoint, arguments = API.bind_to_environ(environ).match()
            with self._lock:
                answer = getattr(self, f"_{endpoint}")(request, **arguments)
            response = self._json({"message": "200: Success", **answer, "error": None}, 200)
        except RefusedError as refusal:
            response = self._json({"error": refusal.error}, refusal.status)
        except HTTPException as problem:
            response = self._json({"error": problem.name}, problem.code or 500)
        return response(environ, start)

    def _note(self, server: str, request: Request) -> None:
        names = frozenset(request.environ["sandbox.headers"])
        self.requests.append(Seen(server, request.method, request.path, names))

    def _json(self, answer: Any, status: int) -> Response:
        response = Response(json.dumps(answer), status, content_type="application/json")
        response.headers["X-Notice"] = NOTICE
        return response

    def _authenticate(self, request: Request) -> None:
        headers = request.environ["sandbox.headers"]
        keys = {"api_key": self.api_key, "api_secret": self.api_secret}
        for name, expected in keys.items():
            if not hmac.compare_digest(headers.get(name, ""), expected):
                raise RefusedError(401, "Invalid api_key or api_secret")
        asked = (headers.get("client_id"), request.args.get("client_id"))
        if any(value not in (self.client_id, None) for value in asked) or asked == (None, None):
            raise RefusedError(403, "client_id has no access")

    def _project_of(self, request: Request, project_id: str | None = None) -> Any:
        project = self._world.projects.get(project_id or request.args.get("project_id", ""))
        if project is None:
            raise RefusedError(404, "project not found")
        return project

    def _body(self, request: Request) -> Any:
        try:
            return json.loads(request.get_data())
        except ValueError:
            raise RefusedError(400, "the body is not JSON") from None

    def _project(self, request: Request, project_id: str) -> Any:
        project = self._project_of(request, project_id)
        return {
            "response": {
                "project_id": project.project_id,
                "project_name": project.name,
                "data_type": project.data_type,
                "status_code": 300,
                "annotation_template_id": project.template_id,
                "attached_datasets": [],
                "created_at": project.created_ms,
                "created_by": "sandbox@example.com",
            }
        }

    def _projects(self, request: Request) -> Any:
        projects = [self._project(request, project_id)["response"] for project_id in self._world.projects]
        return {"response": {"projects": projects}}

    def _template(self, request: Request) -> Any:
        for project in self._world.projects.values():
            if project.template_id == request.args.get("template_id"):
                questions = [self._question(question) for question in project.questions]
                return {"response": {"template_id": project.template_id, "questions": questions}}
        raise RefusedError(404, "template not found")

    def _question(self, question: Question) -> dict[str, Any]:
        """A question of a template: the color of a class is the name of its only option."""
        has_key = "template-color" in self.variants
        options = question.options if has_key or not question.color else (question.color,)
        return {
            "question_id": question.question_id,
            "question": question.name,
            "option_type": question.type,
            **({"color": question.color} if has_key else {}),
            "options": [{"option_name": name} for name in options],
        }

    def _create(self, request: Request) -> Any:
        project = self._project_of(request)
        export = self._exports.create(project.project_id, self._body(request))
        return {"response": {"report_id": export.report_id}}

    def _status(self, request: Request) -> Any:
        project = self._project_of(request)
        body = self._body(request)
        asked = body.get("report_ids") if isinstance(body, dict) else None
        if not isinstance(asked, list) or not asked:
            raise RefusedError(400, "report_ids must be a list of ids")
        known = self._exports.known
        states = [
            self._state_of(known[report_id])
            for report_id in asked
            if report_id in known and known[report_id].project_id == project.project_id
        ]
        return {"status": states} if "status-top" in self.variants else {"response": states}

    def _state_of(self, export: Export) -> dict[str, Any]:
        """How far an export is, and its link once it has one."""
        state = export.state(self.variants)
        url = None if "status-no-link" in self.variants else self._link(export)
        return state if url is None else {**state, "download_url": url}

    def _link(self, export: Export) -> str | None:
        late = "link-late" in self.variants and time.monotonic() < export.ready_at + 0.8
        if not export.state(self.variants).get("is_completed") or late or export.body["export_destination"] != "local":
            return None
        return self._sign(f"/exports/{export.report_id}/{quote(export.served_as)}")

    def _download(self, request: Request) -> Any:
        project = self._project_of(request)
        url = self._link(self._exports.of(project.project_id, request.args.get("report_id", "")))
        if url is None:
            raise RefusedError(404, "the export cannot be downloaded")
        if "link-text" in self.variants:
            return {"response": url}
        if "link-download-url" in self.variants:
            expires = self.now + timedelta(seconds=LINK_SECONDS)
            return {"response": {"download_url": url, "expires_at": expires.isoformat()}}
        return {"response": {"url": url, "download_url": url, "expires_in": LINK_SECONDS}}

    def _list(self, request: Request) -> Any:
        project = self._project_of(request)
        if "list-404" in self.variants:
            raise RefusedError(404, "Not Found")
        lists = self._exports.listed(project.project_id)
        return lists if "list-flat" in self.variants else {"response": lists}

    def _files_links(self, request: Request) -> Any:
        project = self._project_of(request)
        names = {file.file_id: file.file_name for file in project.alive()}
        asked = self._body(request).get("file_ids") or []
        if not asked or any(file_id not in names for file_id in asked):
            raise RefusedError(404, "file not found")
        path = f"/{project.project_id}/"
        return {
            "fileLinks": [
                {"url": self._sign(path + f"{file_id}/{quote(names[file_id], safe='')}")} for file_id in asked
            ]
        }

    def _search_files(self, request: Request) -> Any:
        """A page of a project's files; the shape of the response is assumed, no public source shows it."""
        project = self._project_of(request)
        body = self._body(request)
        size = body.get("size") if isinstance(body, dict) else None
        after = body.get("next_search_after") if isinstance(body, dict) else None
        if not isinstance(size, int) or size < 1:
            raise RefusedError(400, "size must be a whole number from 1 on")
        files = project.alive()
        start = next((place for place, file in enumerate(files, 1) if file.file_id == after), 0)
        page = files[start : start + size]
        more = page[-1].file_id if start + size < len(files) else None
        listed = [self._file_facts(project, file) for file in page]
        return {"response": {"files": listed, "next_search_after": more}}

    def _file_data(self, request: Request) -> Any:
        """One file; the newest SDK reads the fields at the top of the response."""
        project = self._project_of(request)
        file_id = request.args.get("file_id", "")
        file = next((file for file in project.alive() if file.file_id == file_id), None)
        if file is None:
            raise RefusedError(404, "file not found")
        facts = self._file_facts(project, file)
        return {**facts, "response": facts}

    def _file_facts(self, project: Project, file: File) -> dict[str, Any]:
        return {
            "file_id": file.file_id,
            "file_name": file.file_name,
            "project_id": project.project_id,
            "data_type": project.data_type,
            "status": None if file.status == "none" else file.status,
            "file_metadata": writers.metadata_of(file),
        }

    # --- S3 connections: told without their keys

    def _keys(self, request: Request) -> bucket.Keys:
        if (connection_id := request.form.get("connection_id")) in self._exports.connections:
            return self._exports.keys[connection_id]
        try:
            credentials = json.loads(request.form.get("credentials", ""))
            given = bucket.Keys(credentials["access_key_id"], credentials["secret_access_key"])
        except (ValueError, KeyError, TypeError):
            given = bucket.Keys("", "")
        if not given.access_key or not given.secret_key:
            raise RefusedError(400, "credentials must hold access_key_id and secret_access_key")
        if request.form.get("connector") != "s3" or request.form.get("connection_type") != "export":
            raise RefusedError(400, "connector must be s3, and connection_type export")
        return given

    def _connection_test(self, request: Request) -> Any:
        keys = self._keys(request)
        try:
            self._buckets.test(keys, bucket.path_of(request.form.get("path", ""), "path"))
        except bucket.BucketError as problem:
            raise RefusedError(400, str(problem)) from None
        return {"response": {"message": "the connection works"}}

    def _connection_create(self, request: Request) -> Any:
        keys = self._keys(request)
        if not request.form.get("name"):
            raise RefusedError(400, "name must have at least 1 character")
        connection_id = uuid.uuid4().hex
        self._exports.keys[connection_id] = keys
        self._exports.connections[connection_id] = {
            "connection_id": connection_id,
            "name": request.form["name"],
            "description": request.form.get("description", ""),
            "connector": "s3",
            "connection_type": "export",
            "created_at": self._world.now_ms,
            "created_by": "sandbox@example.com",
        }
        return {"response": {"connection_id": connection_id}}

    def _connection_details(self, request: Request, connection_id: str) -> Any:
        if connection_id not in self._exports.connections:
            raise RefusedError(404, "connection not found")
        return {"response": self._exports.connections[connection_id]}

    def _connection_list(self, request: Request) -> Any:
        return {"response": list(self._exports.connections.values())}

    def _connection_delete(self, request: Request) -> Any:
        if self._exports.connections.pop(self._body(request).get("connection_id"), None) is None:
            raise RefusedError(404, "connection not found")
        return {"response": {"message": "deleted"}}

    # --- the object store

    def _sign(self, path: str) -> str:
        expires = self._world.now_ms // 1000 + LINK_SECONDS
        query = {"X-Sandbox-Expires": expires, "X-Sandbox-Signature": self._signature(path, expires)}
        return f"{self.store_url}{path}?{urlencode(query)}"

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._sign_key, f"{path}:{expires}".encode(), hashlib.sha256).hexdigest()

    def _store(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        self._note("store", request)
        try:
            response = self._object(request)
        except RefusedError as refusal:
            error = f"<Error><Code>AccessDenied</Code><Message>{refusal.error}</Message></Error>"
            response = Response(error, refusal.status, content_type="application/xml")
        except HTTPException as problem:
            response = Response(problem.name, problem.code or 500)
        return response(environ, start)

    def _object(self, request: Request) -> Response:
        if {"api_key", "api_secret", "client_id"} & set(request.environ["sandbox.headers"]):
            raise RefusedError(400, "credentials of the API do not belong here")
        try:
            expires = int(request.args.get("X-Sandbox-Expires", ""))
        except ValueError:
            raise RefusedError(403, "Access denied") from None
        path = quote(request.path, safe="/") if "%" not in request.path else request.path
        raw = request.environ.get("REQUEST_URI", path).split("?")[0]
        signed = request.args.get("X-Sandbox-Signature", "")
        if not hmac.compare_digest(signed, self._signature(raw, expires)):
            raise RefusedError(403, "SignatureDoesNotMatch")
        if expires * 1000 < self._world.now_ms:
            raise RefusedError(403, "Request has expired")
        _, arguments = STORE.bind_to_environ(request.environ).match()
        if arguments["kind"] == "exports":
            export: Export = self._exports.known[arguments["name"]]
            body = export.path.read_bytes()
        else:
            project = self._world.projects[arguments["kind"]]
            file = next(file for file in project.alive() if file.file_id == arguments["name"])
            if project.data_type == "image":
                body = draw.image_bytes(project, file, writers.turn(self.variants))
            else:
                body = media.body_of(project, file)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        kinds = {".json": "application/json", ".csv": "text/csv", ".zip": "application/zip"}
        kind = kinds.get(Path(arguments["served_as"]).suffix, "application/octet-stream")
        return send_file(BytesIO(body), request.environ, mimetype=kind, etag=etag, conditional=True)
