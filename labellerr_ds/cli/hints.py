"""Hints of errors in words of the shell."""

from __future__ import annotations

import re

_WORDS = (
    (r"allow_empty=True (gives|marks)", r"--allow-empty \1"),
    (r"overwrite=True", "--overwrite"),
    (r"lds\.ExportJob\(project, '([^']+)'\)\.wait\(\)", r"labellerr-ds load PROJECT \1"),
    (r"([Pp])ass timeout=", r"\1ass --timeout "),
    (r"project\.exports\(\)", "`labellerr-ds exports PROJECT`"),
    (r"client\.projects\(\)", "`labellerr-ds projects`"),
    (r"project\.categories\(\)", "the project's template"),
    (r" `left_out` of the result lists them\.", ""),
    (r"; see dataset\.issues", ""),
    (r"pass images=", "pass --images"),
    (
        r"pandas reads it; what Dataset\.to_parquet\(folder\) writes is read by read_export\(folder\)\.",
        "`labellerr-ds show` shows it; `download`, or `export --keep FOLDER`, keeps the export itself.",
    ),
    (r"Pass a datetime \(best with a time zone\)", "Use a date"),
    (r"(?:(?<= )|^)(images|group|previous|since|iou|timeout)= ?", r"--\1 "),
    (r"^path must end", "--out must end"),
    (r"base_url must", "LABELLERR_BASE_URL must"),
    (r"Pass them to Client\(\), or set", "Set"),
    (r"Client\.sandbox\(\) starts", "`labellerr-ds sandbox` starts"),
    (r"Check the headers api_key and api_secret", "Check LABELLERR_API_KEY and LABELLERR_API_SECRET"),
    (r"PosixPath\('([^']*)'\)", r"'\1'"),
    (r"Client\(\)", "labellerr-ds"),
    (r"pass api_key=[^,;.]*", "set LABELLERR_API_KEY, LABELLERR_API_SECRET and LABELLERR_CLIENT_ID"),
)
"""What Python's words are at a shell."""


def in_shell_words(message: str, project: str | None = None) -> str:
    """Return a message in words of the shell, with the project's name if one is passed."""
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return re.sub(r"\bPROJECT\b", lambda _: project, message) if project else message
