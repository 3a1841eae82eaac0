"""Medians to words, a page and plots."""

from __future__ import annotations

import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.jobs import Job

Medians = dict[str, dict[str, float]]
Row = tuple[Job, int, int, Medians]


def ratio(medians: Medians, part: str, key: str = "seconds") -> float | None:
    """How many times as much another way takes as ours."""
    if part not in medians:
        return None
    return medians[part][key] / max(medians["ours"][key], 1e-9)


def line(job: Job, medians: Medians) -> str:
    """A job in a line."""
    told = [f"{part} {each['seconds']:.3f} s, {each['megabytes']:,.0f} MB" for part, each in medians.items()]
    return f"{job.name}: {'; '.join(told)}. {verdict(job, medians)}"


def verdict(job: Job, medians: Medians) -> str:
    """Whether a job meets its target."""
    said = []
    faster = ratio(medians, "today")
    if faster is not None:
        aim = "" if job.faster is None else f" (aim {job.faster:g}{', met' if faster >= job.faster else ', NOT met'})"
        said.append(f"{faster:.2f} times as fast as today's way{aim}")
    if faster is not None and job.memory is not None:
        part = 1 / max(ratio(medians, "today", "megabytes") or 0, 1e-9)
        said.append(f"at {part:.2f} of its memory (aim {job.memory:g}{', met' if part <= job.memory else ', NOT met'})")
    return ", ".join(said)


def write_report(page: Path, pictures: Path, rows: list[Row], growing: list[Row], rounds: int) -> None:
    """The page with every row, and the plots."""
    head = (
        "| job | input | ours | today | today ÷ ours | CPU ours, today | MB ours, today | best library ÷ ours "
        "| floor ÷ ours | aim |"
    )
    lines = [
        "# What was measured",
        "",
        f"`python -m benchmarks` on {date.today().isoformat()}: {machine()}. Medians of {rounds} rounds, each way in a",
        "process of its own, in turn; memory is what a way adds at its highest to what its imports take. Seconds are",
        "of the clock; CPU is the process's. Trust the ratios, not the seconds: over 1 ours is faster. What is done in",
        "each way is in `benchmarks/ways.py`.",
        "",
        head,
        "|" + "---|" * (head.count("|") - 1),
    ]
    for job, size, size_bytes, medians in rows:
        ours, today = medians["ours"], medians.get("today")
        others = [_told(ratio(medians, part), ".2f") for part in ("best library", "floor")]
        lines.append(
            f"| {job.name} | {size:,}, {size_bytes / 1e6:,.1f} MB | {ours['seconds']:.3f} s "
            f"| {_told(today and today['seconds'], '.3f')} | {_told(ratio(medians, 'today'), '.2f')} "
            f"| {ours['processor']:.3f}, {_told(today and today['processor'], '.3f')} "
            f"| {ours['megabytes']:,.0f}, {_told(today and today['megabytes'], ',.0f')} | {' | '.join(others)} "
            f"| {aim(job, medians)} |"
        )
    lines += ["", "## What is not there yet", ""]
    lines += [f"- **{job.name}**: {job.why}" for job, _, _, medians in rows if "NOT met" in verdict(job, medians)]
    lines += ["", "## Cost against size", "", "Seconds, ours and today's way; medians of two rounds.", ""]
    sizes = sorted({size for _, size, _, _ in growing})
    lines += ["| job | " + " | ".join(f"{size:,}" for size in sizes) + " |", "|" + "---|" * (len(sizes) + 1)]
    for name, measured in _by_job(growing).items():
        cells = [f"{each['ours']['seconds']:.2f}, {each['today']['seconds']:.2f}" for _, each in measured]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    page.write_text("\n".join(lines) + "\n")
    _plot(pictures / "benchmarks.png", rows)
    _plot_growth(pictures / "benchmarks_by_size.png", growing)


def _by_job(rows: list[Row]) -> dict[str, list[tuple[int, Medians]]]:
    found: dict[str, list[tuple[int, Medians]]] = {}
    for job, size, _, medians in rows:
        found.setdefault(job.name, []).append((size, medians))
    return found


def aim(job: Job, medians: Medians) -> str:
    """What was aimed at, and whether it is met."""
    parts = verdict(job, medians).split("(")[1:]
    return "; ".join(part.split(")")[0].removeprefix("aim ") for part in parts)


def _told(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def machine() -> str:
    """The machine, and the versions that matter."""
    names = ("pandas", "pyarrow", "msgspec", "numpy", "pycocotools")
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"


def _plot(picture: Path, rows: list[Row]) -> None:
    import matplotlib.pyplot as plt

    known = [(job, ratio(medians, "today")) for job, _, _, medians in rows if "today" in medians]
    figure, axes = plt.subplots(figsize=(8, 0.38 * len(known) + 1), layout="constrained")
    axes.barh([job.name for job, _ in known], [times or 0 for _, times in known], color="#2a6f97")
    for place, (job, times) in enumerate(known):
        axes.text((times or 0) * 1.05, place, f"{times:.1f}", va="center")
        if job.faster:
            axes.plot([job.faster] * 2, [place - 0.4, place + 0.4], color="#d1495b")
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("times as fast as today's way (red: the aim)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=110)


def _plot_growth(picture: Path, rows: list[Row]) -> None:
    import matplotlib.pyplot as plt

    jobs = _by_job(rows)
    figure, panels = plt.subplots(1, len(jobs), figsize=(3.2 * len(jobs), 3), sharey=True, layout="constrained")
    for axes, (name, measured) in zip(panels, jobs.items(), strict=True):
        sizes = [size for size, _ in measured]
        for part, color in (("today", "#8d99ae"), ("ours", "#2a6f97")):
            axes.plot(sizes, [each[part]["seconds"] for _, each in measured], "o-", color=color, label=part)
        axes.set(xscale="log", yscale="log", title=name, xlabel="annotations")
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seconds")
    panels[0].legend(frameon=False)
    figure.savefig(picture, dpi=110)
