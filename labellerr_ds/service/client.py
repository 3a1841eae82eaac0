"""Client and Project: the endpoints, one small method each."""

from __future__ import annotations

import atexit
import difflib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from labellerr_ds import schema, template, vendor
from labellerr_ds.errors import (
    AuthError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    UnexpectedAnswerError,
)
from labellerr_ds.models import ExportRequest, ExportState, SignedLink
from labellerr_ds.service import replies, requests
from labellerr_ds.service.transport import Transport

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
        values = {name: value or os.environ.get(_ENVIRONMENT[name]) for name, value in given.items()}
        if missing := [name for name, value in values.items() if not value]:
            raise AuthError(
                f"missing credentials: {', '.join(missing)}. Pass them to Client(), or set "
                f"{', '.join(_ENVIRONMENT[name] for name in missing)}. "
                "Without an account, Client.sandbox() starts a simulated service."
            )
        self.api_key, self.api_secret, self.client_id = (str(value) for value in values.values())
        self.base_url = base_url or os.environ.get("LABELLERR_BASE_URL") or vendor.DEFAULT_BASE_URL
        self.transport = Transport(self.base_url, self.api_key, self.api_secret, self.client_id)
        self.base_url = self.transport.base_url

    @classmethod
    def sandbox(cls, server: Sandbox | None = None) -> Client:
        """A client of the built-in simulated service: the one given, else one shared by this process.

        Parameters
        ----------
        server : Sandbox, optional

        Returns
        -------
        Client
        """
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
        """The projects that the key has access to.

        Returns
        -------
        DataFrame
            `project_id`, `name`, `data_type`, `status`, `created_at`.
        """
        listed = replies.projects(self.transport.get(vendor.PROJECTS, "listing the projects"))
        created = [item.get("created_at") for item in listed]
        return pd.DataFrame(
            {
                "project_id": schema.text([str(item["project_id"]) for item in listed]),
                "name": schema.text([vendor.first_of(item, vendor.NAME_KEYS) for item in listed]),
                "data_type": schema.text([item.get("data_type") for item in listed]),
                "status": schema.text([replies.project_status(item.get("status_code")) for item in listed]),
                "created_at": schema.times([each if isinstance(each, int) else None for each in created]),
            }
        )

    def project(self, project_id: str) -> Project:
        """A handle on one project; nothing is asked of the service yet.

        Parameters
        ----------
        project_id : str
            Its id, or its name, which is looked up only where the service knows no such id.

        Returns
        -------
        Project
        """
        if not isinstance(project_id, str) or not project_id.strip():
            raise InvalidArgumentError(
                f"project_id must be a non-empty str, got {project_id!r}; client.projects() lists the projects."
            )
        return Project(self, project_id.strip())

    def s3_connections(self) -> pd.DataFrame:
        """The S3 connections that exports can go to; `labellerr_ds.create_s3_connection` makes one.

        Returns
        -------
        DataFrame
            `connection_id`, `name`, `description`, `created_at`.
        """
        listed = replies.connections(
            self.transport.get(
                vendor.LIST_CONNECTIONS, "listing the S3 connections", vendor.CONNECTIONS, headers=self._email()
            )
        )
        columns: dict[str, Any] = {
            key: schema.text([item[key] for item in listed]) for key in ("connection_id", "name", "description")
        }
        return pd.DataFrame({**columns, "created_at": schema.times([item["created_at"] for item in listed])})

    def delete_s3_connection(self, connection_id: str) -> None:
        """Delete an S3 connection; what was exported through it stays in its bucket.

        Parameters
        ----------
        connection_id : str
        """
        if not isinstance(connection_id, str) or not connection_id.strip():
            raise InvalidArgumentError(
                f"connection_id must be a str, got {connection_id!r}; client.s3_connections() lists them."
            )
        body = {"connection_id": connection_id.strip()}
        what = f"deleting the S3 connection {connection_id.strip()}"
        self.transport.post(vendor.DELETE_CONNECTION, what, body, headers=self._email())

    def post_connection(self, path: str, what: str, fields: dict[str, str], secrets: tuple[str, ...]) -> Any:
        """Send a form about an S3 connection, once; `secrets` are in its fields."""
        return self.transport.post_form(path, what, fields, self._email(), secrets)

    def _email(self) -> dict[str, str]:
        return {vendor.EMAIL_HEADER: self.api_key}

    def now(self) -> datetime:
        """The service's time, UTC, by its latest answer; before there is one, this machine's."""
        return self.transport.now()


class Project:
    """A project of Labellerr; asks the service only when something is asked of it.

    Attributes
    ----------
    client : Client
    project_id : str
        As it was given; the id that the service knows, once something was asked.
    """

    def __init__(self, client: Client, project_id: str) -> None:
        self.client, self.project_id = client, project_id
        self._facts: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Project({self.project_id!r})"

    @property
    def facts(self) -> dict[str, Any]:
        """What the service says about the project, as it came."""
        if self._facts is None:
            try:
                self._facts = self._ask(self.project_id)
            except NotFoundError as problem:
                project_id = self._id_by_name(problem)
                self._facts, self.project_id = self._ask(project_id), project_id
        return self._facts

    def _ask(self, project_id: str) -> dict[str, Any]:
        path = vendor.PROJECT.format(project_id=project_id)
        return replies.project(self.client.transport.get(path, f"asking for project {project_id}"))

    def _id_by_name(self, problem: NotFoundError) -> str:
        """The id of the one project of this name.

        Raises
        ------
        NotFoundError
            Where there is none, or several; it names the nearest.
        """
        listed = self.client.projects()
        ids: list[str] = listed.loc[listed["name"] == self.project_id, "project_id"].tolist()
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise NotFoundError(f"{len(ids)} projects are named {self.project_id!r}: pass one of the ids {ids}.")
        known = [*listed["project_id"], *listed["name"].dropna()]
        if near := difflib.get_close_matches(self.project_id, known, n=3):
            raise NotFoundError(f"{problem} Did you mean {' or '.join(map(repr, near))}?") from None
        raise NotFoundError(f"{problem} client.projects() lists the projects.") from None

    def _get(self, path: str, what: str, **params: str) -> Any:
        return self._send(lambda own: self.client.transport.get(path, what, {**own, **params}))

    def _post(self, path: str, what: str, body: dict[str, Any]) -> Any:
        return self._send(lambda own: self.client.transport.post(path, what, body, own))

    def _send(self, request: Callable[[dict[str, str]], Any]) -> Any:
        """Send a request; where the service knows no such project, the id may be a name, and it is sent with the id."""
        given = self.project_id
        try:
            return request({"project_id": given})
        except NotFoundError:
            if self._facts is not None:
                raise
            try:
                _ = self.facts
            except NotFoundError:
                raise  # this one names the nearest projects
            except LabellerrError:
                pass
            if self.project_id == given:
                raise
        return request({"project_id": self.project_id})

    @property
    def name(self) -> str | None:
        """The project's name, where the service has it."""
        return vendor.first_of(self.facts, vendor.NAME_KEYS)  # type: ignore[no-any-return]

    @property
    def data_type(self) -> str | None:
        """``image``, ``video``, ``audio``, ``document`` or ``text``."""
        return self.facts.get("data_type")

    def categories(self) -> pd.DataFrame:
        """The template as a `categories` frame: a row a question, which for shapes is a class.

        Returns
        -------
        DataFrame
        """
        template_id = self.facts.get("annotation_template_id")
        if not template_id:
            raise UnexpectedAnswerError(
                f"project {self.project_id}: expected annotation_template_id among its facts, got {sorted(self.facts)}."
            )
        answer = self.client.transport.get(
            vendor.TEMPLATE, "asking for the template", {"template_id": str(template_id)}
        )
        return template.categories(replies.questions(answer))

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
            listed = replies.export_list(self._get(vendor.EXPORT_LIST, "listing the exports"))
        except NotFoundError as problem:
            if self._facts is None:
                raise
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

    def create_export(self, request: ExportRequest) -> tuple[str, datetime]:
        """Ask for an export, once; `facts` should be known, so that a name is an id by now.

        Returns
        -------
        report_id : str
        created_at : datetime
            The service's time.
        """
        answer = self._post(vendor.CREATE_EXPORT, "creating an export", requests.export_body(request))
        return replies.report_id(answer), self.client.now()

    def export_states(self, report_ids: list[str]) -> dict[str, ExportState]:
        """The states of several exports at once, by report id; those unknown to the service are not in it."""
        answer = self._post(vendor.EXPORT_STATUS, "asking for the status", {"report_ids": report_ids})
        safe = self.client.transport.redact
        return {
            key: replace(state, raw=state.raw and safe(state.raw), reason=state.reason and safe(state.reason))
            for key, state in replies.export_states(answer).items()
        }

    def export_link(self, report_id: str) -> SignedLink:
        """A signed link to a finished export."""
        answer = self._get(vendor.EXPORT_LINK, f"asking for the link of export {report_id}", report_id=report_id)
        return replies.signed_link(answer, self.client.now())

    def file_links(self, file_ids: list[str]) -> list[SignedLink]:
        """Signed links to the files themselves, in the order of their ids."""
        answer = self._post(vendor.FILE_LINKS, "asking for the links of files", {"file_ids": file_ids})
        return replies.file_links(answer, len(file_ids))


class VendorClient(Protocol):
    """The client of Labellerr's own SDK, as far as it is read."""

    api_key: str
    api_secret: str
    client_id: str


class VendorProject(Protocol):
    """A project of Labellerr's own SDK, as far as it is read."""

    client: VendorClient
    project_id: str


ProjectLike = Project | str | VendorProject
"""A `Project`, an id or name, or a project of Labellerr's own SDK."""


def as_project(project: ProjectLike, client: Client | None = None) -> Project:
    """A `Project` from what stands for one.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
    client : Client, optional
        For an id or a name; else one is made of the credentials in the environment.

    Raises
    ------
    InvalidArgumentError
        For anything else.
    """
    if isinstance(project, Project):
        return project
    if client is not None and not isinstance(client, Client):
        raise InvalidArgumentError(f"client must be a Client, got {type(client).__name__}.")
    if isinstance(project, str):
        return (client or Client()).project(project)
    theirs, project_id = getattr(project, "client", None), getattr(project, "project_id", None)
    keys = [getattr(theirs, name, None) for name in ("api_key", "api_secret", "client_id")]
    if isinstance(project_id, str) and all(keys):
        key, secret, client_id = keys
        return Client(key, secret, client_id, getattr(theirs, "base_url", None)).project(project_id)
    raise InvalidArgumentError(
        "project must be a Project (client.project(id)), a project id or name, or a project of Labellerr's own SDK; "
        f"got {type(project).__name__}."
    )
