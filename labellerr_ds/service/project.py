"""Project: the endpoints of one project, one small method each."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd

from labellerr_ds import schema, template, vendor
from labellerr_ds.card import card
from labellerr_ds.errors import InvalidArgumentError, LabellerrError, NotFoundError, UnexpectedAnswerError
from labellerr_ds.models import ExportRequest, ExportState, SignedLink, State
from labellerr_ds.service import replies, requests

if TYPE_CHECKING:
    from labellerr_ds.service.client import Client


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

    def _repr_html_(self) -> str:  # of what is known already: looking at it asks the service nothing
        facts = self._facts or {}
        rows = [
            ("id", self.project_id),
            ("data type", str(facts.get("data_type") or "")),
            ("service", self.client.base_url),
        ]
        title = str(facts.get("project_name") or "Project")
        return card(title, rows, then='lds.export_to_dataframe(project, ["accepted"])')

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

    def _post(self, path: str, what: str, body: dict[str, Any], patience_s: float | None = None) -> Any:
        return self._send(lambda own: self.client.transport.post(path, what, body, own, patience_s=patience_s))

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
        return vendor.text_of(vendor.first_of(self.facts, vendor.NAME_KEYS))

    @property
    def data_type(self) -> str | None:
        """``image``, ``video``, ``audio``, ``document`` or ``text``."""
        return vendor.text_of(self.facts.get("data_type"))

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

    def exports(self, state: str | None = None) -> pd.DataFrame:
        """All exports of the project, finished and running, newest first.

        Parameters
        ----------
        state : {'running', 'completed', 'failed', 'unknown'}, optional
            Only those.

        Returns
        -------
        DataFrame
            `report_id`, `name`, `state` (``running``, ``completed``, ``failed``, ``unknown``), `raw_state`
            (the service's own word), `format`, `destination`, `statuses`, `created_at`.

        Raises
        ------
        NotFoundError
            Where this deployment has no list of exports.
        InvalidArgumentError
            For a state that does not exist.
        """
        if state is not None and state not in get_args(State):
            raise InvalidArgumentError(f"state must be one of {', '.join(get_args(State))}; got {state!r}.")
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
        frame = frame if state is None else frame[frame["state"].eq(state).to_numpy(dtype=bool)]
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

    def export_states(self, report_ids: list[str], *, patience_s: float | None = None) -> dict[str, ExportState]:
        """The states of several exports at once, by report id; those unknown to the service are not in it.

        Parameters
        ----------
        report_ids : list of str
        patience_s : float, optional
            Seconds within which an answer is of use; with it the request is sent once.
        """
        answer = self._post(vendor.EXPORT_STATUS, "asking for the status", {"report_ids": report_ids}, patience_s)
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
