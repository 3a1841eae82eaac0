"""Draws docs/pictures/first_export.png, the picture of the README, from the sandbox.

python docs/picture.py
"""

from __future__ import annotations

import io
import pathlib

import matplotlib.pyplot as plt
import requests
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.sandbox import Sandbox


def main() -> None:
    with Sandbox(files=60, export_seconds=0) as sandbox:
        client = lds.Client.sandbox(sandbox)
        project = client.project(sandbox.project_ids[0])
        df = lds.export_to_dataframe(project, ["accepted"], progress=False)
        shapes = df[df["type"].isin(["bbox", "polygon", "polyline", "point"])]
        file_id = shapes["file_id"].value_counts().index[0]
        mine = shapes[shapes["file_id"] == file_id]
        answer = requests.post(
            f"{sandbox.base_url}/cdn-web/files_links",
            params={"project_id": project.project_id, "client_id": sandbox.client_id},
            headers={"api_key": sandbox.api_key, "api_secret": sandbox.api_secret, "client_id": sandbox.client_id},
            json={"file_ids": [file_id]},
            timeout=10,
        ).json()
        picture = Image.open(io.BytesIO(requests.get(answer["fileLinks"][0]["url"], timeout=10).content))
        colors = project.categories().set_index("category_id")["color"]

    fig, (table_ax, ax) = plt.subplots(1, 2, figsize=(13, 4.6), width_ratios=[1.35, 1], dpi=110)
    ax.imshow(picture)
    for row in mine.itertuples():
        color = colors[row.category_id]
        if row.type == "bbox":
            box = (row.bbox_x, row.bbox_y)
            ax.add_patch(plt.Rectangle(box, row.bbox_width, row.bbox_height, fill=False, ec="white", lw=1.5))
        elif row.type == "polygon":
            for ring in row.segmentation:
                ax.fill(ring[0::2], ring[1::2], fill=False, ec="white", lw=1.5)
        else:
            ax.plot(row.segmentation[0::2], row.segmentation[1::2], "o-", color=color, ms=3)
        ax.annotate(row.category, (row.bbox_x, row.bbox_y), color="white", fontsize=8, backgroundcolor=color + "c0")
    width, height = picture.size
    ax.set(title=mine["file_name"].iloc[0], xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))

    short = mine[["category", "type", "bbox_x", "bbox_y", "area", "segmentation"]].head(9).copy()
    short["segmentation"] = [
        ""
        if not isinstance(shape, list)
        else f"{len(shape)} ring"
        if isinstance(shape[0], list)
        else f"{len(shape)} numbers"
        for shape in short["segmentation"]
    ]
    cells = [
        [f"{value:g}" if isinstance(value, float) else str(value) for value in row] for row in short.values.tolist()
    ]
    table_ax.axis("off")
    table_ax.set_title('export_to_dataframe(project, ["accepted"])', family="monospace", loc="left", fontsize=12)
    table = table_ax.table(cells, colLabels=short.columns, loc="upper left", cellLoc="right", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.6)
    fig.tight_layout()
    fig.savefig(pathlib.Path(__file__).with_name("pictures") / "first_export.png")


if __name__ == "__main__":
    main()
