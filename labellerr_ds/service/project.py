"""Project: one project of Labellerr, as users hold it."""

from __future__ import annotations

from typing import Any, get_args

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.core.card import card
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.models import State
from labellerr_ds.frames import schema
from labellerr_ds.service import template
from labellerr_ds.service.endpoints import Endpoints


class Project:
    """A project of Labellerr; no request is sent until it is used.

    `Client.project` makes it.

    Attributes
    ----------
    project_id : str
        As it was passed; the id that the service knows, once something was requested.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    @property
    def project_id(self) -> str:  # noqa: D102
        return self._endpoints.project_id

    def __repr__(self) -> str:
        return f"Project({self.project_id!r})"

    def _repr_html_(self) -> str:  # of what is known already: looking at it asks the service nothing
        facts = self._endpoints.known_facts
        rows = [
            ("id", self.project_id),
            ("data type", str(facts.get("data_type") or "")),
            ("service", self._endpoints.transport.base_url),
        ]
        title = str(facts.get("project_name") or "Project")
        return card(title, rows, then='lds.export_to_dataframe(project, ["accepted"])')

    @property
    def name(self) -> str | None:
        """The project's name, if the service has it."""
        return vendor.text_of(vendor.first_of(self._endpoints.facts(), vendor.NAME_KEYS))

    @property
    def data_type(self) -> str | None:
        """``image``, ``video``, ``audio``, ``document`` or ``text``."""
        return vendor.text_of(self._endpoints.facts().get("data_type"))

    def categories(self) -> pd.DataFrame:
        """Return the template as a `categories` frame: one row per question, which for shapes is a class.

        Returns
        -------
        DataFrame
        """
        return template.categories(self._endpoints.questions())

    def exports(self, state: str | None = None) -> pd.DataFrame:
        """Return all exports of the project, finished and running, newest first.

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
            If this deployment has no list of exports.
        InvalidArgumentError
            For a state that does not exist.
        """
        if state is not None and state not in get_args(State):
            raise InvalidArgumentError(f"state must be one of {', '.join(get_args(State))}; got {state!r}.")
        listed = self._endpoints.exports()
        columns: dict[str, Any] = {
            key: schema.text([item[key] for item in listed])
            for key in ("report_id", "name", "state", "raw_state", "format", "destination", "statuses")
        }
        frame = pd.DataFrame({**columns, "created_at": schema.times([item["created_at"] for item in listed])})
        frame = frame if state is None else frame[frame["state"].eq(state).to_numpy(dtype=bool)]
        return frame.sort_values("created_at", ascending=False, kind="stable", ignore_index=True)


def endpoints_of(project: Project) -> Endpoints:
    """Return the endpoints of a project, for the other rooms; users do not see them."""
    return project._endpoints
