import os

os.environ["HF_HUB_OFFLINE"] = "1"
from datasets import load_dataset
from expected import FOLDER, compare

for form in ("imagefolder", "parquet"):
    cache = str(FOLDER / "cache")
    where = str(FOLDER / form) if form == "imagefolder" else {"train": str(FOLDER / form / "data" / "*.parquet")}
    told = {"data_dir": where} if form == "imagefolder" else {"data_files": where}
    rows = load_dataset(form, cache_dir=cache, split="train", **told)
    found = []
    for row in rows:
        assert row["image"].size == (row["width"], row["height"])
        names = row["objects"]["category"]
        if form == "parquet":
            names = [rows.features["objects"]["category"].feature.int2str(number) for number in names]
        found += [(row["name"], name, box, None) for name, box in zip(names, row["objects"]["bbox"], strict=True)]
    compare(found, len(rows), form, areas=None)
