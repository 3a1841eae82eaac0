"""What boto3 raises, as errors of ours; its own hold keys and signatures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labellerr_ds.core.errors import (
    AuthError,
    ConnectionFailedError,
    DownloadError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    StorageError,
)
from labellerr_ds.core.redaction import redact

_WRONG_KEYS = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
    "RequestTimeTooSkewed", "AuthFailure",
}  # fmt: skip
_NO_PERMISSION = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"}
_WRONG_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301"}
KEYS = "boto3 takes them from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from ~/.aws, or from this machine's role"


@contextmanager
def failures(what: str, endpoint: str, bucket: str = "", secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """Errors of boto3 as ours; its own hold keys and signatures."""
    from botocore import exceptions as boto

    failure: LabellerrError | None = None
    try:
        yield
    except boto.ClientError as problem:
        failure = _refusal(problem, what, endpoint, bucket, secrets)
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError):
        failure = AuthError(f"{what}: the AWS keys are missing or incomplete; {KEYS}.")
    except (boto.HTTPClientError, boto.EndpointConnectionError) as problem:
        kind = "no answer in time" if "timeout" in type(problem).__name__.lower() else "no connection, or it broke"
        failure = ConnectionFailedError(f"{what}: {kind}, at {endpoint}.", hint="check the network and the endpoint")
    except boto.ParamValidationError:
        failure = InvalidArgumentError(f"{what}: not a name that S3 allows.")
    except boto.BotoCoreError as problem:
        failure = StorageError(f"{what}: {redact(str(problem), secrets)}.", hint="check the AWS settings")
    except ValueError as problem:
        if isinstance(problem, LabellerrError):
            raise
        failure = StorageError(
            f"{what}: {redact(str(problem), secrets)}.", hint="check AWS_ENDPOINT_URL and the AWS settings"
        )
    if failure:
        raise failure from None


def _refusal(problem: Any, what: str, endpoint: str, bucket: str, secrets: tuple[str, ...]) -> LabellerrError:
    """What a store's answer means for the user."""
    error = problem.response.get("Error", {})
    status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(error.get("Code") or status)
    words = redact(f"{code}: {error.get('Message') or 'no more is told'}", secrets)[:300].rstrip(".")
    if code in _WRONG_KEYS:
        return AuthError(
            f"{what}: the store refused the AWS keys ({words}). {KEYS[0].upper() + KEYS[1:]}.",
            hint="check the AWS keys",
        )
    if code in _NO_PERMISSION:
        return AuthError(
            f"{what}: the AWS keys have no permission ({words}). Reading needs s3:GetObject and s3:ListBucket, "
            "writing s3:PutObject."
        )
    if code == "NoSuchBucket":
        return NotFoundError(f"{what}: no bucket {bucket!r} at {endpoint}.", hint="check the name of the bucket")
    if code in ("NoSuchKey", "404", "NotFound"):
        return NotFoundError(f"{what}: does not exist.")
    if code in ("PreconditionFailed", "412"):
        return changed(what)
    if code in _WRONG_REGION:
        return StorageError(f"{what}: the bucket is in another region ({words}).", hint="set AWS_REGION to that region")
    return StorageError(
        f"{what}: the store answered {words} (HTTP {status}).", hint="check the bucket and the endpoint"
    )


def changed(what: str) -> DownloadError:
    """The error of an object that is not the one that was listed any more."""
    return DownloadError(f"{what}: it was replaced while it was being read.", hint="try again")
