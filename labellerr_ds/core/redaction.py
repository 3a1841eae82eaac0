"""What must not be read by others, taken out of texts and of what the HTTP libraries log."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from typing import Any

_PATTERNS = (
    (re.compile(r"\?[^\s'\"<>)\]}]+"), "?…"),  # the query of a URL: it may be a signature
    # AWS's signed headers, as botocore logs them at DEBUG
    (re.compile(r"(Credential=)[^/\s,'\"]+"), r"\1…"),
    (re.compile(r"(Signature[=:]\s*)[0-9A-Fa-f]{16,}"), r"\1…"),
    (re.compile(r"(?i)(x-amz-security-token['\"]?\s*[:=,]\s*b?['\"]?)[^\s'\"&,]+"), r"\1…"),
    # what STS and SSO answer, as XML and as JSON
    (re.compile(r"(?i)(<(?:SecretAccessKey|SessionToken|AccessKeyId)>)[^<]+"), r"\1…"),
    (re.compile(r"(?i)(['\"](?:SecretAccessKey|SessionToken|AccessKeyId|Token)['\"]\s*:\s*b?['\"])[^'\"]+"), r"\1…"),
)


_KEY = re.compile(r"\s*[0-9a-f]+\.[0-9a-f]+\s*", re.IGNORECASE)
"""The form of an API key, as a real export's ``info.contributor`` has it."""


class Secret(str):
    """A text that hides itself where values are shown: in a repr, and in a traceback that has the local variables.

    Examples
    --------
    >>> {"api_key": Secret("abc")}
    {'api_key': '…'}
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


def is_key(value: object) -> bool:
    """Return True for text in the form of an API key.

    Examples
    --------
    >>> is_key("0a1b2c.3d4e5f60718293a4b5c6d7e8f9"), is_key("someone@example.com")
    (True, False)
    """
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def without_secrets(value: Any, secrets: Collection[str]) -> Any:
    """Return plain JSON without the fields and elements that are one of these secrets."""
    if isinstance(value, dict):
        return {
            key: without_secrets(item, secrets)
            for key, item in value.items()
            if not (isinstance(item, str) and item in secrets)
        }
    if isinstance(value, list):
        return [without_secrets(item, secrets) for item in value if not (isinstance(item, str) and item in secrets)]
    return value


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without the queries of URLs, without AWS signatures, and without these secrets.

    Examples
    --------
    >>> redact("GET https://store/export.json?X-Signature=abc failed")
    'GET https://store/export.json?… failed'
    """
    for secret in secrets:
        if len(secret) > 3:
            text = text.replace(secret, "…")
    for pattern, safe in _PATTERNS:
        text = pattern.sub(safe, text)
    return text


class _Redacting(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        safe = redact(message, self.secrets)
        if safe != message:
            record.msg, record.args, record.exc_info = safe, (), None
        return True


_filter = _Redacting()


def redact_logs(packages: Iterable[str], secrets: Iterable[str] = ()) -> None:
    """Redact what the loggers of these packages tell, from now on; those that exist, by name.

    A filter holds for one logger, not for those below it, so each gets it.
    """
    _filter.secrets.update(secrets)
    for package in packages:
        names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == package]
        for name in {package, *names}:
            logger = logging.getLogger(name)
            if _filter not in logger.filters:
                logger.addFilter(_filter)
