"""From "next" to repaint, in a browser: the viewer beside a loop over matplotlib, which is what people use today.

Images of 1920 x 1080 with 50 polygons of 24 points each, in JupyterLab in headless Chromium, one run for all.
Then: how long a viewer takes to open for 1,000 and for 100,000 files with ten annotations each, from the run of
its cell to what is drawn.

    python benchmarks/paging.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from servers import KINDS, Notebook, chromium, serving, write

TURNS = 12
MAKE = f"""
import io, json, tempfile, warnings, pathlib
import numpy as np, pandas as pd, ipywidgets as widgets
from PIL import Image
import labellerr_ds as lds
from labellerr_ds.frames import schema
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
folder = pathlib.Path(tempfile.mkdtemp())
W, H, N = 1920, 1080, {5 * TURNS + 2}
base = rng.integers(0, 255, (68, 120, 3), dtype=np.uint8)
images, annotations = [], []
for n in range(N):
    Image.fromarray(np.roll(base, n, 1)).resize((W, H), Image.BICUBIC).save(folder / f"{{n}}.jpg", quality=88)
    images.append({{"id": n, "file_name": f"{{n}}.jpg", "width": W, "height": H}})
    for _ in range(50):
        angle = np.sort(rng.uniform(0, 6.28, 24))
        x, y = rng.uniform(200, W - 200), rng.uniform(200, H - 200)
        far = rng.uniform(40, 160, 24)
        ring = np.stack([x + far * np.cos(angle), y + far * np.sin(angle)], 1).round(1).ravel().tolist()
        annotations.append({{"id": len(annotations) + 1, "image_id": n, "category_id": len(annotations) % 5,
                            "segmentation": [ring]}})
categories = [{{"id": n, "name": f"class {{n}}"}} for n in range(5)]
told = {{"images": images, "categories": categories, "annotations": annotations}}
(folder / "in.json").write_text(json.dumps(told))
dataset = lds.read_export(folder / "in.json")
"""
MATPLOTLIB = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Polygon
shown, button = widgets.Image(format="png"), widgets.Button(description="Next image")
by_image = {}
for each in told["annotations"]:
    by_image.setdefault(each["image_id"], []).append(each)
at = -1
def following(_):
    global at
    at += 1
    figure = plt.figure(figsize=(19.2, 10.8), dpi=100)
    axes = figure.add_axes([0, 0, 1, 1])
    axes.imshow(Image.open(folder / told["images"][at]["file_name"]))
    for each in by_image[at]:
        ring = np.reshape(each["segmentation"][0], (-1, 2))
        axes.add_patch(Polygon(ring, closed=True, alpha=0.35, color=f"C{each['category_id']}"))
        axes.text(*ring[0], f"class {each['category_id']}", color="white", backgroundcolor=f"C{each['category_id']}")
    axes.axis("off")
    out = io.BytesIO()
    figure.savefig(out, format="png")
    plt.close(figure)
    shown.value = out.getvalue()
button.on_click(following)
widgets.VBox([button, shown])
"""
OPENING = """
def make(n):
    ids = [f"f{i:06}" for i in range(n)]
    many = [each for each in ids for _ in range(10)]
    files = schema.build("files", {"file_id": ids, "file_name": [f"{each}.jpg" for each in ids],
                                   "width": [W] * n, "height": [H] * n}, n)
    rows = schema.build("annotations", {"file_id": many, "file_name": many, "category": ["car"] * 10 * n,
                                        "type": ["bbox"] * 10 * n, **{f"bbox_{each}": np.full(10 * n, 50.0)
                                        for each in ("x", "y", "width", "height")}}, 10 * n)
    return lds.Dataset(files, rows, schema.empty("categories"), schema.empty("issues"))
few, many = make(1_000), make(100_000)
"""


def viewer_turn(page, action):
    """Milliseconds from an action on the viewer to its repaint."""
    return page.evaluate(
        """async (action) => {
          const root = document.querySelector('.labellerr-viewer'), canvas = root.querySelector('canvas');
          const before = canvas.dataset.drawn, start = performance.now();
          const next = [...root.querySelectorAll('button')].find((each) => each.textContent.startsWith('Next'));
          if (action === 'next') next.click();
          else {
            const at = root.querySelector('.position');
            at.value = Number(at.value) + 4;
            at.dispatchEvent(new Event('change'));
          }
          while (canvas.dataset.drawn === before) await new Promise(requestAnimationFrame);
          return performance.now() - start;
        }""",
        action,
    )


def matplotlib_turn(page):
    return page.evaluate(
        """async () => {
          const button = [...document.querySelectorAll('button')].find((each) => each.textContent === 'Next image');
          const start = performance.now();
          const image = document.querySelector('img.widget-image') || document.querySelector('.widget-image img');
          await new Promise((done) => { image.addEventListener('load', done, { once: true }); button.click(); });
          await new Promise(requestAnimationFrame);
          return performance.now() - start;
        }"""
    )


def held(page):
    """Wait until both neighbours are there."""
    page.wait_for_function(
        """() => { const root = document.querySelector('.labellerr-viewer');
             const at = Number(root.querySelector('.position').value) - 1;
             const held = root.dataset.held.split(' ').map(Number);
             return held.includes(at) && held.includes(at + 1); }"""
    )


def opening(notebook, name):
    """Milliseconds from the run of a cell to what its viewer has drawn, in a cell of its own."""
    return notebook.page.evaluate(
        """async (name) => {
          const { jupyterapp } = window, panel = jupyterapp.shell.currentWidget;
          await jupyterapp.commands.execute('notebook:insert-cell-below');
          panel.content.activeCell.model.sharedModel.setSource(`lds.AnnotationViewer(${name})`);
          const count = () => document.querySelectorAll('.labellerr-viewer canvas[data-drawn]').length;
          const before = count(), start = performance.now();
          jupyterapp.commands.execute('notebook:run-cell');
          while (count() === before) await new Promise(requestAnimationFrame);
          return performance.now() - start;
        }""",
        name,
    )


def main():
    with tempfile.TemporaryDirectory() as temporary:
        home, root = Path(temporary) / "home", Path(temporary) / "notebooks"
        home.mkdir()
        root.mkdir()
        with serving("lab", home, root) as address, chromium(Path(temporary) / "profile") as browser:
            write(
                root / "paging.ipynb",
                MAKE,
                "viewer = lds.AnnotationViewer(dataset, images=folder)\nviewer",
                MATPLOTLIB,
                OPENING,
            )
            page = browser.new_page()
            notebook = Notebook(page)
            page.goto(f"{address}/{KINDS['lab'][1].format('paging.ipynb')}")
            notebook.run()
            page.wait_for_selector(".labellerr-viewer canvas[data-drawn^='0:']", timeout=300_000)
            page.get_by_role("button", name="Next image").wait_for(timeout=60_000)
            notebook.execute("'all cells have run'")
            times = {"matplotlib": [], "viewer": [], "prefetched": []}
            for turn in range(TURNS):
                times["matplotlib"].append(matplotlib_turn(page))
                times["viewer"].append(viewer_turn(page, "jump"))
                held(page)
                page.wait_for_timeout(300)
                times["prefetched"].append(viewer_turn(page, "next"))
                held(page)
                if not turn:  # the first of each warms up
                    times = {name: [] for name in times}
            for name, told in times.items():
                ratio = statistics.median(times["matplotlib"]) / statistics.median(told)
                print(f"{name:12} {statistics.median(told):7.0f} ms   {ratio:5.1f} times as fast")
            opened = {name: [] for name in ("few", "many")}
            for _ in range(6):
                for name in opened:
                    opened[name].append(opening(notebook, name))
            few, many = (statistics.median(opened[name][1:]) for name in ("few", "many"))
            print(f"opening: 1,000 files {few:.0f} ms, 100,000 files {many:.0f} ms, {many / few:.2f} times")


if __name__ == "__main__":
    main()
