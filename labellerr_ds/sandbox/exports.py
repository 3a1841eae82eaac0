"""The exports of the sandbox: asked for, under way, done or failed."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labellerr_ds.sandbox import bucket, writers
from labellerr_ds.sandbox.world import STATUSES, World

EMPTY = "No files found with the given status"


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


@dataclass
class Export:
    """One export and how far it is."""

    report_id: str
    project_id: str
    body: dict[str, Any]
    created_ms: int
    ready_at: float  # by the monotonic clock
    path: Path
    served_as: str = ""
    reason: str = ""
    written: bool = False

    def state(self, variants: frozenset[str]) -> dict[str, Any]:
        """As the status endpoint tells it."""
        state: dict[str, Any] = {"report_id": self.report_id}
        left = self.ready_at - time.monotonic()
        if left > 0 or not (self.written or self.reason):
            early = "status-null" in variants and left > 0.5
            return {
                **state,
                "is_completed": None if early else False,
                "export_status": None if early else "Processing",
            }
        if self.reason:
            return {**state, "is_completed": False, "export_status": "Failed", "error": self.reason}
        return {**state, "is_completed": True, "export_status": "Created"}


class Exports:
    """All exports of a sandbox."""

    def __init__(
        self,
        world: World,
        variants: frozenset[str],
        seconds: float,
        folder: Path,
        store: bucket.Store,
        *,
        contributor: str,
    ) -> None:
        self.world, self.variants, self.seconds, self.folder = world, variants, seconds, folder
        self.contributor = contributor
        self.store = store
        self.known: dict[str, Export] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, bucket.Keys] = {}  # of the connections; never told

    def create(self, project_id: str, body: Any) -> Export:
        """Take the files that match now, and begin to write them."""
        self._check(project_id, body)
        statuses = ["none" if status is None else status for status in body["statuses"]]
        inclusive = "since-inclusive" in self.variants
        files = self.world.select(project_id, statuses, body.get("updated_after_timestamp"), inclusive)
        if not files and not self.variants & {"empty-status", "empty-file"}:
            raise RefusedError(400, EMPTY)
        report_id = uuid.uuid4().hex[:20]
        export = Export(
            report_id,
            project_id,
            body,
            self.world.now_ms,
            time.monotonic() + self.seconds,
            self.folder / report_id,
        )
        self.known[report_id] = export
        if not files and "empty-status" in self.variants:
            export.reason = EMPTY
        elif self.seconds:
            threading.Thread(target=self._write, args=(export, files), daemon=True).start()
        else:
            self._write(export, files)
        return export

    def _write(self, export: Export, files: list[Any]) -> None:
        try:
            export.served_as = writers.write(
                export.path,
                self.world.projects[export.project_id],
                files,
                export.body["export_format"],
                self.variants,
                export.body["question_ids"],
                now_ms=export.created_ms,
                report_id=export.report_id,
                contributor=self.contributor,
            )
            if export.body["export_destination"] == "s3":
                self._land(export)
            export.written = True
        except bucket.BucketError as problem:
            export.reason = str(problem)
        except Exception as problem:
            export.reason = f"writing failed: {problem!r}"

    def _land(self, export: Export) -> None:
        """Put what was written into the bucket of the connection."""
        body = export.body
        objects = bucket.objects_of(
            export.path,
            export.served_as,
            body["export_format"],
            export.report_id,
            body["export_name"],
            self.variants,
        )
        path = bucket.path_of(body["export_folder_path"], "export_folder_path")
        self.store.write(self.keys[body["connection_id"]], path, objects)

    def _check(self, project_id: str, body: Any) -> None:
        if not isinstance(body, dict):
            raise RefusedError(400, "the body must be a JSON object")
        for name in ("export_name", "export_description"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise RefusedError(400, f"{name} must have at least 1 character")
        if body.get("export_format") not in writers.FORMATS:
            raise RefusedError(400, f"export_format must be one of {', '.join(writers.FORMATS)}")
        statuses = body.get("statuses")
        if not isinstance(statuses, list) or not statuses:
            raise RefusedError(400, "statuses must hold at least 1 status")
        if None in statuses and "null-refused" in self.variants:
            raise RefusedError(422, "statuses: none is not an allowed value")
        for status in statuses:
            if status is not None and (status not in STATUSES or status == "none"):
                raise RefusedError(400, f"unknown status {status!r}")
        questions = body.get("question_ids")
        if not isinstance(questions, list) or not questions:
            raise RefusedError(400, "question_ids must be a list, ['all'] for all of them")
        after = body.get("updated_after_timestamp")
        if after is not None and (not isinstance(after, int) or after < 10**11):
            raise RefusedError(400, "updated_after_timestamp must be Unix milliseconds")
        data_type = self.world.projects[project_id].data_type
        if body["export_format"] in ("coco_json", "png") and data_type != "image":
            raise RefusedError(400, f"export_format {body['export_format']} is not supported for {data_type} projects")
        if body.get("export_destination") == "s3":
            if body.get("connection_id") not in self.connections:
                raise RefusedError(400, "connection_id is not a known connection")
            try:
                bucket.path_of(str(body.get("export_folder_path") or ""), "export_folder_path")
            except bucket.BucketError as problem:
                raise RefusedError(400, str(problem)) from None
        elif body.get("export_destination") != "local":
            raise RefusedError(400, "export_destination must be local or s3")

    def of(self, project_id: str, report_id: str) -> Export:
        """One export of a project."""
        export = self.known.get(report_id)
        if export is None or export.project_id != project_id:
            raise RefusedError(404, "report not found")
        return export

    def listed(self, project_id: str) -> dict[str, Any]:
        """The two lists of the list endpoint."""
        running = "in_progress" if "list-snake" in self.variants else "inProgress"
        lists: dict[str, list[Any]] = {"completed": [], running: []}
        for export in self.known.values():
            if export.project_id != project_id:
                continue
            state = export.state(self.variants)
            item = {
                "report_id": export.report_id,
                "export_name": export.body["export_name"],
                "export_status": state["export_status"],
                "created_at": export.created_ms,
            }
            ended = state["is_completed"] or state["export_status"] == "Failed"
            lists["completed" if ended else running].append(item)
        return lists
