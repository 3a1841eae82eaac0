"""S3 connections of a client: list, create, delete."""

from __future__ import annotations

from typing import Any

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import call
from labellerr_ds.frames import schema
from labellerr_ds.service import replies
from labellerr_ds.service.transport import Transport


def list_connections(transport: Transport) -> pd.DataFrame:
    """Return the connections; see `Client.s3_connections`."""
    answer = transport.get(
        vendor.LIST_CONNECTIONS, "listing the S3 connections", vendor.CONNECTIONS, headers=_email(transport)
    )
    listed = replies.connections(answer)
    columns: dict[str, Any] = {
        key: schema.text([item[key] for item in listed]) for key in ("connection_id", "name", "description")
    }
    return pd.DataFrame({**columns, "created_at": schema.times([item["created_at"] for item in listed])})


def delete_connection(transport: Transport, connection_id: str) -> None:
    """Delete a connection; see `Client.delete_s3_connection`."""
    if not isinstance(connection_id, str) or not connection_id.strip():
        raise InvalidArgumentError(
            f"connection_id must be a str, got {connection_id!r}.", hint=call("client.s3_connections()")
        )
    body = {"connection_id": connection_id.strip()}
    what = f"deleting the S3 connection {connection_id.strip()}"
    transport.post(vendor.DELETE_CONNECTION, what, body, headers=_email(transport))


def send_form(transport: Transport, path: str, what: str, fields: dict[str, str], secrets: tuple[str, ...]) -> Any:
    """Send a form about a connection, once, and return the answer; `secrets` are in its fields."""
    return transport.post_form(path, what, fields, _email(transport), secrets)


def _email(transport: Transport) -> dict[str, str]:
    return {vendor.EMAIL_HEADER: transport.secrets[0]}
