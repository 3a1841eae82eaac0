"""Write with labellerr_ds, read with others, each in an environment of its own; see README.md."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
import venv
import warnings

import numpy as np

import labellerr_ds as lds
from labellerr_ds.sandbox import Sandbox
from labellerr_ds.shapes.rle import mask_to_rle

HERE = pathlib.Path(__file__).parent
FORMATS = ["json", "coco_json", "csv", "png"]
COUNTING = ["supervision", "datumaro", "pylabel"]
LIBRARIES = ["pycocotools", "supervision", "datumaro", "pylabel", "fiftyone", "datasets"]


def shapes() -> dict:
    """Parts, a hole, an RLE, a box alone and an image on which nothing is, of sizes that trainers see."""
    yy, xx = np.mgrid[:240, :320]
    ring = ((xx - 100) ** 2 + (yy - 100) ** 2 < 80**2) & ((xx - 100) ** 2 + (yy - 100) ** 2 > 30**2)
    star = [[200, 20, 230, 90, 300, 100, 240, 140, 260, 210, 200, 170, 140, 210, 160, 140, 100, 100, 170, 90]]
    parts = [[20, 20, 80, 30, 60, 90, 15, 70], [200, 150, 300, 160, 280, 230, 190, 220]]
    annotations = [
        {"image_id": 1, "category_id": 1, "segmentation": star},
        {"image_id": 1, "category_id": 2, "bbox": [10.5, 20.25, 60, 44]},
        {"image_id": 2, "category_id": 1, "segmentation": parts},
        {"image_id": 3, "category_id": 2, "segmentation": mask_to_rle(ring)},
    ]
    return {
        "images": [
            {
                "id": number,
                "width": 320,
                "height": 240,
                "file_name": f"{number}.png",
                "labellerr_file_status": "accepted",
            }
            for number in range(1, 5)
        ],
        "categories": [{"id": 1, "name": "star"}, {"id": 2, "name": "ring"}],
        "annotations": [{"id": place, "iscrowd": 0, **each} for place, each in enumerate(annotations, start=1)],
    }


def write(folder: pathlib.Path, dataset: lds.Dataset) -> None:
    """COCO with ids from 1, polygons alone where a reader knows no others, and what is to be found in them."""
    folder.mkdir()
    images = folder / "images"
    images.mkdir()
    dataset.to_coco_json(folder / "coco.json", renumber=True, negatives="all")
    coco = dataset.to_coco(negatives="all")
    from PIL import Image

    for row in dataset.files.itertuples():
        Image.new("RGB", (row.width, row.height)).save(images / pathlib.Path(row.file_name).name)
    dataset.to_yolo(folder / "yolo", images=images, task="segment", negatives="all")
    for form in ("imagefolder", "parquet"):
        dataset.to_huggingface(folder / form, form=form, images=images, negatives="all")
    found = [
        {
            "file": coco.imgs[each["image_id"]]["file_name"], "category": coco.cats[each["category_id"]]["name"],
            "bbox": each["bbox"], "area": each["area"], "pixels": int(coco.annToMask(each).sum()),
        }
        for each in coco.anns.values()
    ]  # fmt: skip
    told = {"images": len(coco.imgs), "categories": [each["name"] for each in coco.cats.values()], "annotations": found}
    (folder / "expected.json").write_text(json.dumps(told))
    masks = {f"{each['id']}": coco.annToMask(each).astype(bool) for each in coco.anns.values()}
    np.savez_compressed(folder / "masks.npz", **masks)


def write_portable(folder: pathlib.Path, sandbox: Sandbox, form: str) -> None:
    """The COCO file of the whole project of images in one format, as it goes out by default, and its images."""
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    every = lds.export_dataset(project, "all", progress=False)
    every.download_images(folder / "images", progress=False)
    dataset = every if form == "json" else lds.export_dataset(project, ["accepted"], format=form, progress=False)
    dataset.to_coco_json(folder / "coco.json", images=folder / "images")
    named = {each["file_name"] for each in json.loads((folder / "coco.json").read_text())["images"]}
    for path in (folder / "images").iterdir():
        if path.name not in named:
            path.unlink()


def main() -> None:
    wanted = sys.argv[1:] or LIBRARIES
    failed = []
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        folder = pathlib.Path(temporary)
        (folder / "shapes.json").write_text(json.dumps(shapes()))
        write(folder / "shapes", lds.read_export(folder / "shapes.json"))
        with Sandbox(files=40, export_seconds=0) as sandbox:
            project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
            dataset = lds.export_dataset(project, ["accepted", "review"], format="coco_json", progress=False)
            kept = dataset.annotations.labellerr.filter(type=["bbox", "polygon"])
            unique = dataset.files.drop_duplicates("file_name")["file_id"]
            object.__setattr__(dataset, "annotations", kept)
            write(folder / "street", dataset.only(unique))
            for form in FORMATS:
                write_portable(folder / form, sandbox, form)
        for library in wanted:
            home = pathlib.Path(tempfile.gettempdir()) / f"labellerr-interop-{library}"
            python = str(home / "bin" / "python")
            if not pathlib.Path(python).exists():
                venv.create(home, with_pip=True)
            install = [python, "-m", "pip", "install", "-q", "-r", str(HERE / f"requirements-{library}.txt")]
            if subprocess.run(install, capture_output=True).returncode:
                print(f"{library}: does not install here")
                failed.append(library)
                continue
            readings = [(name, [f"read_with_{library}.py"]) for name in ("shapes", "street")]
            readings += [(form, ["count.py", library]) for form in FORMATS if library in COUNTING]
            for name, (script, *arguments) in readings:
                told = subprocess.run(
                    [python, str(HERE / script), *arguments, str(folder / name)], capture_output=True, text=True
                )
                print(f"{library}, {name}: {told.stdout.strip() or 'failed'}", flush=True)
                if told.returncode:
                    print(told.stderr[-1500:])
                    failed.append(library)
    sys.exit(f"failed: {', '.join(dict.fromkeys(failed))}" if failed else 0)


if __name__ == "__main__":
    main()
