"""What is accepted as a project: a `Project`, an id or name, or a project of Labellerr's own SDK."""

from __future__ import annotations

from typing import Protocol

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import call
from labellerr_ds.service.client import Client
from labellerr_ds.service.project import Project


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
        "project must be a Project, a project id or name, or a project of Labellerr's own SDK; got "
        f"{type(project).__name__}.",
        hint=call("client.project(project_id)"),
    )
