"""Client: the credentials, and what belongs to no project."""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import AuthError, InvalidArgumentError
from labellerr_ds.core.hint import all_of, argument, call, either
from labellerr_ds.core.redaction import Secret
from labellerr_ds.core.since import read_moment
from labellerr_ds.frames import schema
from labellerr_ds.service import replies
from labellerr_ds.service.connections import delete_connection, list_connections
from labellerr_ds.service.endpoints import Endpoints
from labellerr_ds.service.project import Project
from labellerr_ds.service.transport import Transport

if TYPE_CHECKING:
    from labellerr_ds.sandbox import Sandbox

_ENVIRONMENT = {
    "api_key": "LABELLERR_API_KEY",
    "api_secret": "LABELLERR_API_SECRET",
    "client_id": "LABELLERR_CLIENT_ID",
}
KEYRING = "labellerr"
"""The service in the system's keyring; its entries are ``api_key``, ``api_secret`` and ``client_id``."""
_shared_sandbox: Sandbox | None = None  # one a process, so that notebooks can be run cell by cell


def _kept(name: str) -> Secret | None:
    """A credential from the environment, else from the system's keyring where that can be asked."""
    if kept := os.environ.get(_ENVIRONMENT[name]):
        return Secret(kept)
    try:
        import keyring
    except ImportError:
        return None
    try:
        kept = keyring.get_password(KEYRING, name)
    except keyring.errors.KeyringError:
        return None
    return Secret(kept) if kept else None


class Client:
    """A connection to Labellerr.

    Parameters
    ----------
    api_key, api_secret, client_id : str, optional
        Else from `LABELLERR_API_KEY`, `LABELLERR_API_SECRET`, `LABELLERR_CLIENT_ID`, else from the system's keyring
        (``pip install 'labellerr-ds[keyring]'``; ``keyring set labellerr api_key``, and so on).
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
    ['Street scenes', 'Traffic videos', 'Product reviews', 'Phone calls', 'Street scenes with errors']
    """

    def __init__(
        self,
        api_key: str | None = None,
        api_secret: str | None = None,
        client_id: str | None = None,
        base_url: str | None = None,
    ) -> None:
        given = {
            name: Secret(value)
            for name, value in zip(_ENVIRONMENT, (api_key, api_secret, client_id), strict=True)
            if value
        }
        del api_key, api_secret  # a traceback that shows local variables must not show them
        values = {name: given.get(name) or _kept(name) for name in _ENVIRONMENT}
        if missing := [name for name, value in values.items() if not value]:
            raise AuthError(
                f"missing credentials: {', '.join(f'{name} ({_ENVIRONMENT[name]})' for name in missing)}.",
                hint=either(all_of(*map(argument, missing)), call("lds.Client.sandbox()")),
            )
        self.api_key, self.api_secret = Secret(values["api_key"]), Secret(values["api_secret"])
        self.client_id = str(values["client_id"])
        self.base_url = base_url or os.environ.get("LABELLERR_BASE_URL") or vendor.DEFAULT_BASE_URL
        self._transport = Transport(self.base_url, self.api_key, self.api_secret, self.client_id)
        self.base_url = self._transport.base_url

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
        listed = replies.projects(self._transport.get(vendor.PROJECTS, "listing the projects"))
        created = [item.get("created_at") for item in listed]
        return pd.DataFrame(
            {
                "project_id": schema.text([str(item["project_id"]) for item in listed]),
                "name": schema.text([vendor.text_of(vendor.first_of(item, vendor.NAME_KEYS)) for item in listed]),
                "data_type": schema.text([vendor.text_of(item.get("data_type")) for item in listed]),
                "status": schema.text([replies.project_status(item.get("status_code")) for item in listed]),
                "created_at": schema.times(list(map(read_moment, created))),
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
                f"project_id must be a non-empty str, got {project_id!r}.", hint=call("client.projects()")
            )
        return Project(Endpoints(self._transport, project_id.strip(), self.projects))

    def s3_connections(self) -> pd.DataFrame:
        """The S3 connections that exports can go to; `labellerr_ds.create_s3_connection` makes one.

        Returns
        -------
        DataFrame
            `connection_id`, `name`, `description`, `created_at`.
        """
        return list_connections(self._transport)

    def delete_s3_connection(self, connection_id: str) -> None:
        """Delete an S3 connection; what was exported through it stays in its bucket.

        Parameters
        ----------
        connection_id : str
        """
        delete_connection(self._transport, connection_id)


def transport_of(client: Client) -> Transport:
    """Return the transport of a client, for the other rooms; users do not see it."""
    return client._transport
