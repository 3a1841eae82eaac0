"""Medians to words, a page and plots."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks.jobs import JOBS, Job
from benchmarks.results import Measured, Medians, Results


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


def write_report(page: Path, pictures: Path, results: Results) -> None:
    """The page with every job, and the plots."""
    rows = [(job, results.jobs[job.name]) for job in JOBS if job.name in results.jobs]
    head = (
        "| job | input | ours | today | today ÷ ours | CPU ours, today | MB ours, today | best library ÷ ours "
        "| floor ÷ ours | aim | measured |"
    )
    lines = [
        "# What was measured",
        "",
        f"`python -m benchmarks` on {machine()}. Medians of the rounds, each way in a process of its own, in turn;",
        "memory is what a way adds at its highest to what its imports take. Seconds are of the clock; CPU is the",
        "process's. Trust the ratios, not the seconds: over 1 ours is faster. What is done in each way is in",
        "`benchmarks/ways.py`.",
        "",
        head,
        "|" + "---|" * (head.count("|") - 1),
    ]
    for job, told in rows:
        medians = told.medians
        ours, today = medians["ours"], medians.get("today")
        others = [_told(ratio(medians, part), ".2f") for part in ("best library", "floor")]
        lines.append(
            f"| {job.name} | {told.size:,}, {told.size_bytes / 1e6:,.1f} MB | {ours['seconds']:.3f} s "
            f"| {_told(today and today['seconds'], '.3f')} | {_told(ratio(medians, 'today'), '.2f')} "
            f"| {ours['processor']:.3f}, {_told(today and today['processor'], '.3f')} "
            f"| {ours['megabytes']:,.0f}, {_told(today and today['megabytes'], ',.0f')} | {' | '.join(others)} "
            f"| {aim(job, medians)} | {told.on}, {told.rounds} rounds |"
        )
    lines += ["", "## What is not there yet", ""]
    lines += [f"- **{job.name}**: {job.why}" for job, told in rows if "NOT met" in verdict(job, told.medians)]
    lines += ["", "## Cost against size", "", "Seconds, ours and today's way.", ""]
    sizes = sorted({told.size for measured in results.growth.values() for told in measured})
    lines += ["| job | " + " | ".join(f"{size:,}" for size in sizes) + " |", "|" + "---|" * (len(sizes) + 1)]
    for name, measured in results.growth.items():
        cells = [f"{each.medians['ours']['seconds']:.2f}, {each.medians['today']['seconds']:.2f}" for each in measured]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    page.write_text("\n".join(lines) + "\n")
    _plot(pictures / "benchmarks.png", [(job, told.medians) for job, told in rows])
    _plot_growth(pictures / "benchmarks_by_size.png", results.growth)


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


def _plot(picture: Path, rows: list[tuple[Job, Medians]]) -> None:
    import matplotlib.pyplot as plt

    known = [(job, ratio(medians, "today")) for job, medians in rows if "today" in medians]
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


def _plot_growth(picture: Path, growth: dict[str, list[Measured]]) -> None:
    import matplotlib.pyplot as plt

    if not growth:
        return
    figure, panels = plt.subplots(1, len(growth), figsize=(3.2 * len(growth), 3), sharey=True, layout="constrained")
    for axes, (name, measured) in zip(panels, growth.items(), strict=True):
        sizes = [each.size for each in measured]
        for part, color in (("today", "#8d99ae"), ("ours", "#2a6f97")):
            axes.plot(sizes, [each.medians[part]["seconds"] for each in measured], "o-", color=color, label=part)
        axes.set(xscale="log", yscale="log", title=name, xlabel="annotations")
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seconds")
    panels[0].legend(frameon=False)
    figure.savefig(picture, dpi=110)
