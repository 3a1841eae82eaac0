"""Client and Project: the endpoints, one small method each."""

from __future__ import annotations

import atexit
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pandas as pd

from labellerr_ds import schema, service
from labellerr_ds.errors import AuthError, InvalidArgumentError, NotFoundError, UnexpectedAnswerError
from labellerr_ds.models import ExportState, SignedLink
from labellerr_ds.transport import Transport

if TYPE_CHECKING:
    from labellerr_ds.sandbox import Sandbox

_ENVIRONMENT = {
    "api_key": "LABELLERR_API_KEY",
    "api_secret": "LABELLERR_API_SECRET",
    "client_id": "LABELLERR_CLIENT_ID",
}
_shared_sandbox: Sandbox | None = None  # one a process, so that notebooks can be run cell by cell


class Client:
    """A connection to Labellerr.

    Parameters
    ----------
    api_key, api_secret, client_id : str, optional
        Else from `LABELLERR_API_KEY`, `LABELLERR_API_SECRET`, `LABELLERR_CLIENT_ID`.
    base_url : str, optional
        Else from `LABELLERR_BASE_URL`, else ``https://api.labellerr.com``.

    Raises
    ------
    AuthError
        Where a credential is missing. No request is made before something is asked.

    Examples
    --------
    >>> client = Client.sandbox()
    >>> client.projects()["name"].tolist()
    ['Street scenes', 'Traffic videos', 'Product reviews', 'Phone calls']
    """

    def __init__(
        self,
        api_key: str | None = None,
        api_secret: str | None = None,
        client_id: str | None = None,
        base_url: str | None = None,
    ) -> None:
        given = {"api_key": api_key, "api_secret": api_secret, "client_id": client_id}
        found = {name: value or os.environ.get(_ENVIRONMENT[name]) for name, value in given.items()}
        if missing := [name for name, value in found.items() if not value]:
            raise AuthError(
                f"missing credentials: {', '.join(missing)}. Pass them to Client(), or set "
                f"{', '.join(_ENVIRONMENT[name] for name in missing)}. "
                "Without an account, Client.sandbox() starts a simulated service."
            )
        self.api_key, self.api_secret, self.client_id = (str(value) for value in found.values())
        self.base_url = base_url or os.environ.get("LABELLERR_BASE_URL") or service.DEFAULT_BASE_URL
        self._transport = Transport(self.base_url, self.api_key, self.api_secret, self.client_id)
        self.base_url = self._transport.base_url

    @classmethod
    def sandbox(cls, server: Sandbox | None = None) -> Client:
        """A client of the built-in simulated service: the one given, else one shared by this process."""
        global _shared_sandbox
        if server is None:
            if _shared_sandbox is None:
                from labellerr_ds.sandbox import Sandbox

                _shared_sandbox = Sandbox().start()
                atexit.register(_shared_sandbox.stop)
            server = _shared_sandbox
        return cls(server.api_key, server.api_secret, server.client_id, server.base_url)

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def __getstate__(self) -> None:
        raise TypeError("a Client holds keys and is not pickled; make a new one where it is needed")

    def projects(self) -> pd.DataFrame:
        """The projects that the key can see: `project_id`, `name`, `data_type`, `status`, `created_at`."""
        found = service.projects(self._transport.get(service.PROJECTS, "listing the projects"))
        created = [item.get("created_at") for item in found]
        return pd.DataFrame(
            {
                "project_id": schema.text([str(item["project_id"]) for item in found]),
                "name": schema.text([service.first_of(item, service.NAME_KEYS) for item in found]),
                "data_type": schema.text([item.get("data_type") for item in found]),
                "status": schema.text([service.project_status(item.get("status_code")) for item in found]),
                "created_at": schema.times([each if isinstance(each, int) else None for each in created]),
            }
        )

    def project(self, project_id: str) -> Project:
        """A handle on one project; nothing is asked of the service yet."""
        if not isinstance(project_id, str) or not project_id.strip():
            raise InvalidArgumentError(f"a project id is a text, got {project_id!r}; client.projects() lists them.")
        return Project(self, project_id.strip())

    def s3_connections(self) -> pd.DataFrame:
        """The S3 connections that exports can go to: `connection_id`, `name`, `description`, `created_at`.

        `labellerr_ds.create_s3_connection` makes one.
        """
        listed = service.connections(
            self._transport.get(
                service.LIST_CONNECTIONS, "listing the S3 connections", service.CONNECTIONS, headers=self._email()
            )
        )
        columns: dict[str, Any] = {
            key: schema.text([item[key] for item in listed]) for key in ("connection_id", "name", "description")
        }
        return pd.DataFrame({**columns, "created_at": schema.times([item["created_at"] for item in listed])})

    def delete_s3_connection(self, connection_id: str) -> None:
        """Delete an S3 connection; what was exported through it stays in its bucket."""
        if not isinstance(connection_id, str) or not connection_id.strip():
            raise InvalidArgumentError(
                f"a connection id is a text, got {connection_id!r}; client.s3_connections() lists them."
            )
        body = {"connection_id": connection_id.strip()}
        what = f"deleting the S3 connection {connection_id.strip()}"
        self._transport.post(service.DELETE_CONNECTION, what, body, headers=self._email())

    def _post_connection(self, path: str, what: str, fields: dict[str, str], secrets: tuple[str, ...]) -> Any:
        return self._transport.post_form(path, what, fields, self._email(), secrets)

    def _email(self) -> dict[str, str]:
        return {service.EMAIL_HEADER: self.api_key}

    def now(self) -> datetime:
        """The service's own time, UTC, as its latest answer told it."""
        self._transport.get(service.PROJECTS, "asking for the time")
        # The header has whole seconds: what happened within this one is not in the future.
        return (self._transport.service_time or datetime.now(timezone.utc)) + timedelta(seconds=1)


class Project:
    """A project of Labellerr; asks the service only when something is asked of it.

    Attributes
    ----------
    client : Client
    project_id : str
    """

    def __init__(self, client: Client, project_id: str) -> None:
        self.client, self.project_id = client, project_id
        self._facts: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Project({self.project_id!r})"

    def _get(self, path: str, what: str, **params: str) -> Any:
        return self.client._transport.get(path, what, {"project_id": self.project_id, **params})

    def _post(self, path: str, what: str, body: dict[str, Any]) -> Any:
        return self.client._transport.post(path, what, body, {"project_id": self.project_id})

    @property
    def facts(self) -> dict[str, Any]:
        """What the service says of the project, as it came."""
        if self._facts is None:
            path = service.PROJECT.format(project_id=self.project_id)
            self._facts = service.project(self.client._transport.get(path, f"asking for project {self.project_id}"))
        return self._facts

    @property
    def name(self) -> str | None:
        """The project's name, where the service tells it."""
        return service.first_of(self.facts, service.NAME_KEYS)  # type: ignore[no-any-return]

    @property
    def data_type(self) -> str | None:
        """``image``, ``video``, ``audio``, ``document`` or ``text``."""
        return self.facts.get("data_type")

    def categories(self) -> pd.DataFrame:
        """The template as a `categories` frame: a row a question, which for shapes is a class."""
        template_id = self.facts.get("annotation_template_id")
        if not template_id:
            raise UnexpectedAnswerError(
                f"project {self.project_id}: expected annotation_template_id among its facts, got {sorted(self.facts)}."
            )
        answer = self.client._transport.get(
            service.TEMPLATE, "asking for the template", {"template_id": str(template_id)}
        )
        return service.categories(service.questions(answer))

    def exports(self) -> pd.DataFrame:
        """All exports of the project, finished and running, newest first.

        Returns
        -------
        DataFrame
            `report_id`, `name`, `state` (``running``, ``completed``, ``failed``, ``unknown``), `raw_state`
            (the service's own word), `format`, `destination`, `statuses`, `created_at`.

        Raises
        ------
        NotFoundError
            Where this deployment has no list of exports.
        """
        try:
            listed = service.export_list(self._get(service.EXPORT_LIST, "listing the exports"))
        except NotFoundError as problem:
            raise NotFoundError(
                f"{problem} Perhaps this deployment has no list of exports. An export whose report id you know can "
                "still be picked up: ExportJob(project, report_id).wait(); its id is in the dashboard."
            ) from None
        columns: dict[str, Any] = {
            key: schema.text([item[key] for item in listed])
            for key in ("report_id", "name", "state", "raw_state", "format", "destination", "statuses")
        }
        frame = pd.DataFrame({**columns, "created_at": schema.times([item["created_at"] for item in listed])})
        return frame.sort_values("created_at", ascending=False, kind="stable", ignore_index=True)

    # --- the steps of an export, one request each

    def create_export(self, body: dict[str, Any]) -> tuple[str, datetime]:
        """Ask for an export, once; its report id, and the service's time."""
        answer = self._post(service.CREATE_EXPORT, "creating an export", body)
        return service.report_id(answer), self.client._transport.service_time or datetime.now(timezone.utc)

    def export_states(self, report_ids: list[str]) -> dict[str, ExportState]:
        """The states of several exports at once, by report id; those unknown to the service are not in it."""
        answer = self._post(service.EXPORT_STATUS, "asking for the status", {"report_ids": report_ids})
        safe = self.client._transport.redact
        return {
            key: replace(state, raw=state.raw and safe(state.raw), reason=state.reason and safe(state.reason))
            for key, state in service.export_states(answer).items()
        }

    def export_link(self, report_id: str) -> SignedLink:
        """A signed link to a finished export."""
        answer = self._get(service.EXPORT_LINK, f"asking for the link of export {report_id}", report_id=report_id)
        return service.signed_link(answer, self.client._transport.service_time or datetime.now(timezone.utc))

    def file_links(self, file_ids: list[str]) -> list[SignedLink]:
        """Signed links to the files themselves, in the order of their ids."""
        answer = self._post(service.FILE_LINKS, "asking for the links of files", {"file_ids": file_ids})
        return service.file_links(answer, len(file_ids))


def as_project(project: object) -> Project:
    """A `Project` from a Project, an id (credentials from the environment), or the vendor SDK's object."""
    if isinstance(project, Project):
        return project
    if isinstance(project, str):
        return Client().project(project)
    theirs, project_id = getattr(project, "client", None), getattr(project, "project_id", None)
    keys = [getattr(theirs, name, None) for name in ("api_key", "api_secret", "client_id")]
    if isinstance(project_id, str) and all(keys):
        key, secret, client_id = keys
        return Client(key, secret, client_id, getattr(theirs, "base_url", None)).project(project_id)
    raise InvalidArgumentError(
        "project must be a Project (client.project(id)), a project id, or a project of Labellerr's own SDK; "
        f"got {type(project).__name__}."
    )
