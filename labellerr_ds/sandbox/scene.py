"""Street scenes: where their things are, and how they are painted, so that a label is seen to be right or wrong.

Every thing is painted within its own shape, so that image, masks and coordinates agree.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
HORIZON = 0.45  # of the height
SKIES = {
    "day": ((112, 168, 226), (214, 232, 246)),
    "dusk": ((70, 62, 110), (248, 170, 110)),
    "night": ((8, 12, 30), (34, 42, 74)),
}
BODIES = ((176, 42, 38), (38, 82, 150), (214, 214, 210), (52, 56, 62), (196, 150, 44), (62, 110, 74))
FACADES = ((168, 120, 96), (190, 172, 142), (136, 142, 152), (154, 92, 80), (204, 192, 172))
FAR_GRASS, NEAR_GRASS = np.array((120, 128, 96), dtype=np.float32), np.array((86, 98, 66), dtype=np.float32)
COATS = ((190, 60, 60), (50, 90, 160), (230, 200, 90), (60, 120, 80), (90, 70, 120))


# --- where things are


def road(wide: int, high: int, rng: random.Random) -> list[Point]:
    """The road, narrow at the horizon."""
    far = wide * rng.uniform(0.46, 0.54)
    left, right = wide * rng.uniform(0.02, 0.14), wide * rng.uniform(0.86, 0.98)
    top, low = high * HORIZON, high - 1
    return [(far - wide * 0.04, top), (far + wide * 0.04, top), (right, low), (left, low)]


def building(wide: int, high: int, rng: random.Random) -> list[Point]:
    """A house beside the road, with a flat or a pitched roof."""
    width, height = wide * rng.uniform(0.1, 0.2), high * rng.uniform(0.16, 0.36)
    left = rng.choice((wide * rng.uniform(0.0, 0.26), wide * rng.uniform(0.56, 0.99) - width * 0.5))
    low = high * (HORIZON + rng.uniform(0.0, 0.05))
    top, right = low - height, min(left + width, wide - 1)
    roof = (
        [(left, top), ((left + right) / 2, top - height * 0.22), (right, top)]
        if rng.random() < 0.5
        else [(left, top), (right, top)]
    )
    return [*roof, (right, low), (left, low)]


def car(wide: int, high: int, rng: random.Random) -> tuple[float, float, float, float]:
    """The box of a car on the road: left, top, right, bottom; the nearer the larger."""
    near = rng.uniform(0.12, 0.95)
    low = high * (HORIZON + (1 - HORIZON) * near)
    width = wide * (0.05 + 0.2 * near)
    middle = wide * 0.5 + wide * (0.08 + 0.3 * near) * rng.choice((-1, 1)) * rng.uniform(0.35, 0.9)
    return middle - width / 2, low - width * 0.62, middle + width / 2, low


def outline(box: tuple[float, float, float, float]) -> list[Point]:
    """A car from the side within a box."""
    left, top, right, low = box
    shape = (
        (0, 0.62),
        (0.06, 0.42),
        (0.22, 0.36),
        (0.34, 0.04),
        (0.7, 0.04),
        (0.84, 0.38),
        (0.97, 0.46),
        (1, 0.66),
        (1, 0.9),
        (0, 0.9),
    )
    return [(left + x * (right - left), top + y * (low - top)) for x, y in shape]


def walker(wide: int, high: int, rng: random.Random) -> tuple[float, float, float, float]:
    """The box of somebody beside the road."""
    near = rng.uniform(0.15, 0.9)
    low = high * (HORIZON + (1 - HORIZON) * near)
    height = high * (0.09 + 0.3 * near)
    middle = wide * 0.5 + rng.choice((-1, 1)) * wide * (0.1 + 0.36 * near)
    return middle - height * 0.19, low - height, middle + height * 0.19, low


def lane(wide: int, high: int, rng: random.Random) -> list[Point]:
    """A marking of the road, from near to far."""
    start, count = wide * rng.uniform(0.4, 0.6), rng.randint(2, 6)
    shares = [step / count for step in range(count + 1)]
    return [(start + (wide * 0.5 - start) * share, high - 4 - (high * (1 - HORIZON) - 8) * share) for share in shares]


def light(wide: int, high: int, rng: random.Random) -> Point:
    """A traffic light."""
    return wide * rng.uniform(0.1, 0.9), high * rng.uniform(0.12, HORIZON - 0.06)


# --- how they look


def ground(wide: int, high: int, time_of_day: str | None, rng: random.Random) -> Image.Image:
    """An empty street: sky, hills, trees, and a road that nobody has labelled yet."""
    top, low = (np.array(color, dtype=np.float32) for color in SKIES.get(time_of_day or "day", SKIES["day"]))
    horizon = int(high * HORIZON)
    rows = np.zeros((high, 3), dtype=np.float32)
    share = np.linspace(0, 1, horizon, dtype=np.float32)[:, None]
    rows[:horizon] = top + (low - top) * share
    deep = np.linspace(0, 1, high - horizon, dtype=np.float32)[:, None]
    rows[horizon:] = FAR_GRASS * (1 - deep) + NEAR_GRASS * deep
    picture = Image.fromarray(np.repeat(rows[:, None], wide, axis=1).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    start = rng.uniform(0, 6)
    hills = [(x, horizon - high * (0.05 + 0.03 * math.sin(start + x / wide * 7))) for x in range(0, wide + 8, 8)]
    pen.polygon([(0, horizon), *hills, (wide, horizon)], fill=(104, 122, 112))
    for _ in range(rng.randint(4, 9)):
        x, size = wide * rng.random(), high * rng.uniform(0.02, 0.05)
        pen.rectangle((x - size / 8, horizon - size, x + size / 8, horizon + size / 3), fill=(82, 66, 50))
        pen.ellipse((x - size, horizon - 2.4 * size, x + size, horizon - 0.5 * size), fill=(62, 92, 58))
    pen.polygon(road(wide, high, random.Random(rng.random())), fill=(98, 98, 98))
    return picture


def paint(picture: Image.Image, name: str, inside: NDArray[np.bool_], rng: random.Random) -> None:
    """Paint a thing of which each pixel belongs to it."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return
    left, top, right, low = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    patch = Image.new("RGB", (right - left, low - top), (58, 60, 64))
    drawn = PAINTERS[name](right - left, low - top, rng)
    patch.paste(drawn, (0, 0), drawn)
    picture.paste(patch, (left, top), Image.fromarray(inside[top:low, left:right].astype(np.uint8) * 255))


def place(picture: Image.Image, name: str, box: dict[str, float], turn: int, rng: random.Random) -> None:
    """Put a thing into its box, turned as the box is; in the corners of a box one sees what is behind it."""
    sides = max(2, round(box["xmax"] - box["xmin"])), max(2, round(box["ymax"] - box["ymin"]))
    drawn = PAINTERS[name](*sides, rng)
    if turn and box["rotation"]:
        drawn = drawn.rotate(-turn * box["rotation"], Image.Resampling.BICUBIC, expand=True)
    x, y = (box["xmin"] + box["xmax"]) / 2, (box["ymin"] + box["ymax"]) / 2
    picture.paste(drawn, (round(x - drawn.width / 2), round(y - drawn.height / 2)), drawn)


def _asphalt(wide: int, high: int, rng: random.Random) -> Image.Image:
    patch = Image.fromarray(np.repeat(np.linspace(112, 78, high).astype(np.uint8)[:, None], wide, axis=1)).convert(
        "RGBA"
    )
    pen = ImageDraw.Draw(patch)
    for _ in range(wide * high // 900):  # its grain
        x, y, tone = rng.randrange(wide), rng.randrange(high), rng.randint(70, 120)
        pen.line((x, y, x + 3, y), fill=(tone, tone, tone))
    return patch


def _house(wide: int, high: int, rng: random.Random) -> Image.Image:
    patch = Image.new("RGBA", (wide, high), (*rng.choice(FACADES), 255))
    pen = ImageDraw.Draw(patch)
    step = max(7, wide // 5)
    pen.rectangle((0, 0, wide, max(2, high // 9)), fill=(96, 62, 54))
    for y in range(max(4, high // 6), max(5, high - step // 2), step):
        for x in range(step // 3, wide - step // 3, step):
            lit = rng.random() < 0.2
            pen.rectangle(
                (x, y, x + step // 2, y + step // 2),
                fill=(250, 226, 150) if lit else (60, 74, 92),
                outline=(228, 222, 210),
            )
    return patch


def _auto(wide: int, high: int, rng: random.Random) -> Image.Image:
    body = rng.choice(BODIES)
    dark = tuple(part * 2 // 3 for part in body)
    patch = Image.new("RGBA", (wide, high))
    pen = ImageDraw.Draw(patch)
    pen.ellipse((wide * 0.02, high * 0.86, wide * 0.98, high - 1), fill=(40, 40, 42, 150))  # its shadow
    pen.rounded_rectangle((wide * 0.2, 0, wide * 0.82, high * 0.6), max(2, high // 7), fill=dark)
    pen.rectangle((wide * 0.26, high * 0.1, wide * 0.49, high * 0.38), fill=(172, 200, 214))
    pen.rectangle((wide * 0.53, high * 0.1, wide * 0.76, high * 0.38), fill=(172, 200, 214))
    pen.rounded_rectangle((0, high * 0.4, wide - 1, high * 0.84), max(2, high // 8), fill=body)
    pen.rectangle((0, high * 0.5, wide * 0.05, high * 0.6), fill=(250, 240, 190))
    pen.rectangle((wide * 0.95, high * 0.5, wide, high * 0.6), fill=(210, 40, 36))
    size = high * 0.17
    for x in (wide * 0.22, wide * 0.78):
        pen.ellipse((x - size, high - 1 - 2 * size, x + size, high - 1), fill=(26, 26, 28))
        pen.ellipse((x - size / 2, high - 1 - 1.5 * size, x + size / 2, high - 1 - size / 2), fill=(150, 152, 156))
    return patch


def _person(wide: int, high: int, rng: random.Random) -> Image.Image:
    patch = Image.new("RGBA", (wide, high))
    pen = ImageDraw.Draw(patch)
    middle, head = wide / 2, high * 0.075
    pen.ellipse((middle - head, 0, middle + head, 2 * head), fill=(206, 160, 130))
    pen.rounded_rectangle((wide * 0.2, high * 0.16, wide * 0.8, high * 0.58), max(1, wide // 5), fill=rng.choice(COATS))
    for x in (0.32, 0.54):
        pen.rectangle((wide * x, high * 0.56, wide * (x + 0.15), high * 0.97), fill=(44, 48, 60))
    return patch


PAINTERS: dict[str, Callable[[int, int, random.Random], Image.Image]] = {
    "road": _asphalt, "building": _house, "car": _auto, "pedestrian": _person,
}  # fmt: skip


def mark(picture: Image.Image, points: list[Point]) -> None:
    """A white dashed line, nearer the wider."""
    pen, high = ImageDraw.Draw(picture), picture.height
    for (x, y), (right, low) in itertools.pairwise(points):
        for start in (0.0, 0.5):
            at = [(x + (right - x) * share, y + (low - y) * share) for share in (start, start + 0.3)]
            pen.line(at, fill=(236, 236, 228), width=max(1, round(6 * (max(y, low) / high - HORIZON) / (1 - HORIZON))))


def signal(picture: Image.Image, place: Point, rng: random.Random) -> None:
    """A traffic light on its pole, about a point."""
    pen, (x, y) = ImageDraw.Draw(picture), place
    size = max(2.5, picture.height / 130)
    pen.line((x, y, x, picture.height * (HORIZON + 0.04)), fill=(58, 60, 64), width=max(1, round(size * 0.7)))
    pen.rounded_rectangle((x - 2 * size, y - 4.5 * size, x + 2 * size, y + 4.5 * size), size, fill=(34, 34, 38))
    on = rng.randrange(3)
    for number, color in enumerate(((228, 54, 44), (240, 176, 40), (64, 190, 92))):
        low = y + (number - 1) * 2.8 * size
        dim = tuple(part // 4 for part in color)
        pen.ellipse((x - size, low - size, x + size, low + size), fill=color if number == on else dim)


def finish(
    picture: Image.Image, time_of_day: str | None, weather: str | None, seed: int, *, noise: bool = True
) -> Image.Image:
    """Light, weather and the noise of a camera."""
    rng = np.random.default_rng(seed)
    values = np.asarray(picture, dtype=np.float32)
    if time_of_day == "night":
        bright = values.max(axis=2, keepdims=True) > 222  # what shines goes on shining
        values = np.where(bright, values, values * np.array((0.34, 0.38, 0.52), dtype=np.float32))
    elif time_of_day == "dusk":
        values = values * np.array((0.86, 0.72, 0.68), dtype=np.float32) + np.array((18, 6, 4), dtype=np.float32)
    if weather and weather.startswith("fog"):
        haze = np.clip(1.25 - np.abs(np.linspace(-1, 1, picture.height) * 1.4), 0.25, 0.75)[:, None, None].astype(
            np.float32
        )
        values = values * (1 - haze) + 205 * haze * (0.5 if time_of_day == "night" else 1)
    if noise:  # which no PNG packs well
        values = values + rng.integers(-5, 6, values.shape[:2], dtype=np.int8)[:, :, None]
    made = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    if weather == "rain":
        made = made.filter(ImageFilter.GaussianBlur(0.6))
        pen = ImageDraw.Draw(made)
        for x, y in rng.integers(0, (made.width, made.height), (made.width // 5, 2)).tolist():
            pen.line((x, y, x - 3, y + 11), fill=(190, 200, 212))
    return made
