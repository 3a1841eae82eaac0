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
        failure = ConnectionFailedError(f"{what}: {kind}, at {endpoint}. Check the network and the endpoint.")
    except boto.ParamValidationError:
        failure = InvalidArgumentError(f"{what}: not a name that S3 allows.")
    except boto.BotoCoreError as problem:
        failure = StorageError(f"{what}: {redact(str(problem), secrets)}. Check the AWS settings.")
    except ValueError as problem:
        if isinstance(problem, LabellerrError):
            raise
        failure = StorageError(f"{what}: {redact(str(problem), secrets)}. Check AWS_ENDPOINT_URL and the AWS settings.")
    if failure:
        raise failure from None


def _refusal(problem: Any, what: str, endpoint: str, bucket: str, secrets: tuple[str, ...]) -> LabellerrError:
    """What a store's answer means for the user."""
    error = problem.response.get("Error", {})
    status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(error.get("Code") or status)
    words = redact(f"{code}: {error.get('Message') or 'no more is told'}", secrets)[:300].rstrip(".")
    if code in _WRONG_KEYS:
        return AuthError(f"{what}: the store refused the AWS keys ({words}). Check them; {KEYS}.")
    if code in _NO_PERMISSION:
        return AuthError(
            f"{what}: the AWS keys have no permission ({words}). Reading needs s3:GetObject and s3:ListBucket, "
            "writing s3:PutObject."
        )
    if code == "NoSuchBucket":
        return NotFoundError(f"{what}: no bucket {bucket!r} at {endpoint}. Check its name.")
    if code in ("NoSuchKey", "404", "NotFound"):
        return NotFoundError(f"{what}: does not exist.")
    if code in ("PreconditionFailed", "412"):
        return changed(what)
    if code in _WRONG_REGION:
        return StorageError(f"{what}: the bucket is in another region ({words}). Set AWS_REGION to that one.")
    return StorageError(f"{what}: the store answered {words} (HTTP {status}). Check the bucket and the endpoint.")


def changed(what: str) -> DownloadError:
    """The error of an object that is not the one that was listed any more."""
    return DownloadError(f"{what}: it was replaced while it was being read. Try again.")
