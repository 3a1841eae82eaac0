"""What the files are that are no images: a call with a voice in each segment, and a page of a document."""

from __future__ import annotations

import io
import random
import time
import wave

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from labellerr_ds.sandbox.types import File
from labellerr_ds.sandbox.world import Project

SECONDS = 62  # of a call; segments begin in the first sixty
PAGE = (620, 877)  # A4 at 75 dots an inch


def body_of(project: Project, file: File) -> bytes:
    """The bytes of a file that is no image, as many as the world says it has where it can be shown."""
    makers = {"wav": _call, "pdf": _document}
    return makers[file.file_format](project, file) if file.file_format in makers else b"simulated\n"


def _call(project: Project, file: File) -> bytes:
    """A line's hum, and a voice that is one tone and its overtones where a segment is."""
    size = round(file.size_mb * 1_000_000)
    rate = (size - 44) // SECONDS
    samples = np.random.default_rng(file.index).normal(0, 1.5, rate * SECONDS)
    for question, answer in project.true_answers(file):
        for segment in (answer or {}).get("segments", ()) if question.type == "stt" else ():
            moment = np.arange(round(segment["start"] * rate), round(segment["end"] * rate))
            pitch = 2 * np.pi * (140 + 25 * np.sin(moment / rate * 7)) * moment / rate
            loudness = 30 * np.abs(np.sin(moment / rate * 9))
            samples[moment] += loudness * (np.sin(pitch) + 0.5 * np.sin(2 * pitch) + 0.25 * np.sin(3 * pitch))
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes((samples + 128).clip(0, 255).astype(np.uint8).tobytes())
    return out.getvalue().ljust(size, b"\0")


def _document(project: Project, file: File) -> bytes:
    """One page of a review; what a PDF lacks of its bytes is a comment before its last lines."""
    words = {question.name: answer for question, answer in project.true_answers(file)}
    sheet = Image.new("L", PAGE, 255)
    pen, rng = ImageDraw.Draw(sheet), random.Random(f"{project.seed}:{file.index}:page")
    pen.text((60, 60), f"Review {file.index}", 0, font=ImageFont.load_default(26))
    text = ImageFont.load_default(15)
    pen.text(
        (60, 110),
        {"positive": "* * * * *", "neutral": "* * *", "negative": "*"}.get(str(words.get("sentiment")), ""),
        0,
        font=text,
    )
    phrases = (
        "The delivery came on time", "the price was fair", "I would order it again", "service was slow to answer",
        "the colour differs from the picture", "everything works as described",
    )  # fmt: skip
    for line in range(24):
        pen.text((60, 150 + 24 * line), f"{rng.choice(phrases)}, {rng.choice(phrases)}.", 40, font=text)
    out, then = io.BytesIO(), time.gmtime(file.created_ms / 1000)
    sheet.save(out, "PDF", resolution=75, creationDate=then, modDate=then)
    head, tail = out.getvalue().rsplit(b"startxref", 1)
    short = round(file.size_mb * 1_000_000) - out.tell()
    return head + (b"%".ljust(short - 1, b" ") + b"\n" if short > 1 else b"") + b"startxref" + tail
