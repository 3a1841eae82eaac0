"""Hints in the terms of the shell: options and commands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection

from labellerr_ds.core.hint import Hint

_VARIABLES = {
    "api_key": "LABELLERR_API_KEY", "api_secret": "LABELLERR_API_SECRET", "client_id": "LABELLERR_CLIENT_ID",
    "base_url": "LABELLERR_BASE_URL",
}  # fmt: skip
"""Environment variables for the arguments of `Client`."""
_OPTIONS = {"statuses": "status", "download_to": "keep"}
"""Options that have another name than the argument."""
_COMMANDS: dict[str, Callable[[str, Hint], str]] = {
    "client.projects": lambda project, hint: "labellerr-ds projects",
    "client.s3_connections": lambda project, hint: "labellerr-ds connections",
    "project.exports": lambda project, hint: f"labellerr-ds exports {project}",
    "lds.ExportJob": lambda project, hint: " ".join(
        ["labellerr-ds load", project, *map(str, hint.values or ["REPORT"])]
    ),
    "job.wait": lambda project, hint: " ".join(["labellerr-ds load", project, *map(str, hint.values)]),
    "mirror.sync": lambda project, hint: f"labellerr-ds sync {project}",
    "lds.Client.sandbox": lambda project, hint: "labellerr-ds sandbox",
}
"""The commands that do what a call does."""


def shell_hint(hint: Hint | None, options: Collection[str], project: str | None = None) -> str | None:
    """Return a hint as options, environment variables and commands; None if the shell has nothing like it.

    Parameters
    ----------
    hint : Hint or None
    options : collection of str
        Names of the command's options, without dashes.
    project : str, optional
        The project that the command is about.
    """
    steps = [] if hint is None else [text for step in hint.steps if (text := _step(step, options, project))]
    return " or ".join(dict.fromkeys(steps)) or None


def _step(step: Hint, options: Collection[str], project: str | None) -> str | None:
    if step.kind == "all":
        return " and ".join(text for part in step.parts if (text := _step(part, options, project))) or None
    if step.kind == "advice":
        return str(step)
    if step.kind == "call":
        command = _COMMANDS.get(step.name)
        return f"`{command(shlex.quote(project) if project else 'PROJECT', step)}`" if command else None
    if step.name in _VARIABLES:
        return f"set {_VARIABLES[step.name]}"
    option = _OPTIONS.get(step.name, step.name).replace("_", "-")
    if option not in options:
        return None
    value = step.values[0] if step.values else None
    return f"--{option}" if value is None or isinstance(value, bool) else f"--{option} {shlex.quote(str(value))}"
