"""The endpoints of one project, one small method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import LabellerrError, NotFoundError, UnexpectedAnswerError
from labellerr_ds.core.hint import call, either, nearest
from labellerr_ds.core.models import ExportRequest, ExportState, SignedLink
from labellerr_ds.service import replies, requests
from labellerr_ds.service.transport import Transport


class Endpoints:
    """Requests about one project.

    Parameters
    ----------
    transport : Transport
    project_id : str
        Its id, or its name, which is looked up only if the service knows no such id.
    list_projects : callable
        Returns the frame of `Client.projects`, for that lookup.

    Attributes
    ----------
    project_id : str
        As passed; the id that the service knows after the first answer.
    """

    def __init__(self, transport: Transport, project_id: str, list_projects: Callable[[], pd.DataFrame]) -> None:
        self.transport, self.project_id = transport, project_id
        self._list_projects = list_projects
        self._facts: dict[str, Any] | None = None

    @property
    def known_facts(self) -> Mapping[str, Any]:
        """The facts so far, without a request; empty before the first one."""
        return self._facts or {}

    def facts(self) -> dict[str, Any]:
        """Return what the service says about the project, as it came; requested once."""
        if self._facts is None:
            try:
                self._facts = self._ask(self.project_id)
            except NotFoundError as problem:
                project_id = self._id_by_name(problem)
                self._facts, self.project_id = self._ask(project_id), project_id
        return self._facts

    def now(self) -> datetime:
        """Return the service's time, UTC, by its latest answer; before there is one, this machine's."""
        return self.transport.now()

    def questions(self) -> list[dict[str, Any]]:
        """Return the questions of the project's template."""
        template_id = self.facts().get("annotation_template_id")
        if not template_id:
            raise UnexpectedAnswerError(
                f"project {self.project_id}: expected annotation_template_id among its facts, got "
                f"{sorted(self.facts())}."
            )
        params = {"template_id": str(template_id)}
        return replies.questions(self.transport.get(vendor.TEMPLATE, "asking for the template", params))

    def exports(self) -> list[replies.ListedExport]:
        """Return the exports of the project.

        Raises
        ------
        NotFoundError
            If this deployment has no list of exports.
        """
        try:
            return replies.export_list(self._get(vendor.EXPORT_LIST, "listing the exports"))
        except NotFoundError as problem:
            if self._facts is None:
                raise
            raise NotFoundError(
                f"{problem.message} This deployment may have no list of exports.",
                hint=call("lds.ExportJob(project, report_id)"),
            ) from None

    def create_export(self, request: ExportRequest) -> tuple[str, datetime]:
        """Create an export; the request is sent once. `facts` should be known, so that a name is an id by now.

        Returns
        -------
        report_id : str
        created_at : datetime
            The service's time.
        """
        answer = self._post(vendor.CREATE_EXPORT, "creating an export", requests.export_body(request))
        return replies.report_id(answer), self.now()

    def export_states(self, report_ids: list[str], *, patience_s: float | None = None) -> dict[str, ExportState]:
        """Return the states of several exports by report id; those unknown to the service are not in it.

        Parameters
        ----------
        report_ids : list of str
        patience_s : float, optional
            Seconds within which an answer is of use; with it the request is sent once.
        """
        answer = self._post(vendor.EXPORT_STATUS, "asking for the status", {"report_ids": report_ids}, patience_s)
        safe = self.transport.redact
        return {
            key: replace(state, raw=state.raw and safe(state.raw), reason=state.reason and safe(state.reason))
            for key, state in replies.export_states(answer).items()
        }

    def export_link(self, report_id: str) -> SignedLink:
        """Return a signed link to a finished export."""
        answer = self._get(vendor.EXPORT_LINK, f"asking for the link of export {report_id}", report_id=report_id)
        return replies.signed_link(answer, self.now())

    def file_links(self, file_ids: list[str]) -> list[SignedLink]:
        """Return signed links to the files themselves, in the order of their ids."""
        answer = self._post(vendor.FILE_LINKS, "asking for the links of files", {"file_ids": file_ids})
        return replies.file_links(answer, len(file_ids))

    # --- sending

    def _ask(self, project_id: str) -> dict[str, Any]:
        path = vendor.PROJECT.format(project_id=project_id)
        return replies.project(self.transport.get(path, f"asking for project {project_id}"))

    def _id_by_name(self, problem: NotFoundError) -> str:
        """Return the id of the one project of this name.

        Raises
        ------
        NotFoundError
            If there is none, or several; it names the nearest.
        """
        listed = self._list_projects()
        ids: list[str] = listed.loc[listed["name"] == self.project_id, "project_id"].tolist()
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise NotFoundError(
                f"{len(ids)} projects are named {self.project_id!r} ({', '.join(ids)}).", hint="pass one of their ids"
            )
        known = [*listed["project_id"], *listed["name"].dropna()]
        hint = either(nearest(self.project_id, known, 3), call("client.projects()"))
        raise NotFoundError(problem.message, hint=hint) from None

    def _get(self, path: str, what: str, **params: str) -> Any:
        return self._send(lambda own: self.transport.get(path, what, {**own, **params}))

    def _post(self, path: str, what: str, body: dict[str, Any], patience_s: float | None = None) -> Any:
        return self._send(lambda own: self.transport.post(path, what, body, own, patience_s=patience_s))

    def _send(self, request: Callable[[dict[str, str]], Any]) -> Any:
        """Send a request; if the service knows no such project, the id may be a name, and it is sent with the id."""
        given = self.project_id
        try:
            return request({"project_id": given})
        except NotFoundError:
            if self._facts is not None:
                raise
            try:
                _ = self.facts()
            except NotFoundError:
                raise  # this one names the nearest projects
            except LabellerrError:
                pass
            if self.project_id == given:
                raise
        return request({"project_id": self.project_id})
