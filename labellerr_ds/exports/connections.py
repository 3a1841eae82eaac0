"""S3 connections: what lets Labellerr write exports into the user's own bucket."""

from __future__ import annotations

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import InvalidArgumentError, LabellerrError, ServiceError, StorageError
from labellerr_ds.core.hint import argument
from labellerr_ds.core.models import checked_bucket_path
from labellerr_ds.core.redaction import Secret
from labellerr_ds.service import replies, requests
from labellerr_ds.service.client import Client, transport_of
from labellerr_ds.service.connections import send_form
from labellerr_ds.service.transport import RefusedError
from labellerr_ds.storage.s3 import own_keys


def create_s3_connection(
    client: Client,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    name: str,
    description: str = "",
    bucket_path: str,
) -> str:
    """Let Labellerr write exports into a bucket: the keys are tested on it first, then the connection is made.

    Parameters
    ----------
    client : Client
    access_key, secret_key : str, optional
        Of an IAM user that may write to the bucket. Both, or neither: then those of the user's own AWS
        credential chain are taken. They are sent to Labellerr, and neither kept here nor shown.
    name, description : str
        As the dashboard shows the connection.
    bucket_path : str
        ``"bucket/path/to/folder/"``, where the service tries whether it may write.

    Returns
    -------
    str
        The connection's id, for `S3Destination`.

    Raises
    ------
    StorageError
        Where the test failed, in the service's words: wrong keys, no permission, no such bucket, another region.
    InvalidArgumentError, AuthError, ServiceError

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> create_s3_connection(client, access_key="AKIA…", name="nightly", bucket_path="labels/nightly/")
    Traceback (most recent call last):
    labellerr_ds.core.errors.InvalidArgumentError: access_key without secret_key; both or neither are expected.
    Hint: secret_key=
    """
    if not isinstance(client, Client):
        raise InvalidArgumentError(f"client must be a Client, got {type(client).__name__}.")
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError("name must have at least 1 character.")
    path = checked_bucket_path(bucket_path)
    access_key, secret_key = (Secret(key) if isinstance(key, str) else key for key in (access_key, secret_key))
    for key in (access_key, secret_key):
        if key is not None and not isinstance(key, str):
            raise InvalidArgumentError(f"access_key and secret_key must be str, got {type(key).__name__}.")
    if bool(access_key) != bool(secret_key):
        given, missing = ("access_key", "secret_key") if access_key else ("secret_key", "access_key")
        raise InvalidArgumentError(f"{given} without {missing}; both or neither are expected.", hint=argument(missing))
    own = (access_key.strip(), secret_key.strip()) if access_key and secret_key else own_keys()
    keys = (Secret(own[0]), Secret(own[1]))
    del own
    fields, transport = requests.connection_fields(*keys), transport_of(client)
    failure: LabellerrError | None = None
    try:
        tested = {**fields, "path": path, "data_type": vendor.CONNECTION_DATA_TYPE}
        send_form(transport, vendor.TEST_CONNECTION, f"testing the S3 connection to {path}", tested, keys)
    except RefusedError as refusal:
        failure = StorageError(
            f"{refusal.message} The connection was not created.", hint="check the keys, the bucket and its region"
        )
    if failure:
        raise failure
    created = {**fields, "name": name.strip(), "description": description, "client_id": client.client_id}
    try:
        answer = send_form(transport, vendor.CREATE_CONNECTION, f"creating the S3 connection {name!r}", created, keys)
    except RefusedError as refusal:
        failure = ServiceError(refusal.message, status=refusal.status, hint=refusal.hint)
    if failure:
        raise failure
    return replies.connection_id(answer)
