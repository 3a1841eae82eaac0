"""Masks, drawn by hand, in every mode."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.frames import schema
from labellerr_ds.shapes.rle import rle_to_mask

# Two classes on a mask of 3 rows and 5 columns; 0 is background.
PIXELS = np.array([[0, 1, 1, 0, 2], [0, 1, 0, 0, 2], [0, 0, 0, 0, 2]], dtype=np.uint8)
COLORS = [(0, 0, 0), (220, 20, 60), (0, 0, 142)]
IDS = ["q-walker", "q-car"]


def categories(**more):
    columns = {"category_id": IDS, "name": ["walker", "car"], "color": ["#dc143c", "#00008e"], **more}
    return schema.build("categories", columns, 2)


def palette():
    image = Image.fromarray(PIXELS)
    image.putpalette([part for color in COLORS for part in color])
    return image


def rgb(mode="RGB"):
    return Image.fromarray(np.array(COLORS, dtype=np.uint8)[PIXELS]).convert(mode)


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def pack(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in entries.items():
            archive.writestr(name.replace("__", "."), body if isinstance(body, bytes | str) else png(body))
    return path


def assert_right(frame, ids=IDS):
    assert frame["category_id"].tolist() == ids
    for value, row in enumerate(frame.itertuples(), start=1):
        assert (rle_to_mask(row.segmentation) == (value == PIXELS)).all()
    assert frame["area"].tolist() == [3, 3]
    assert frame[["bbox_x", "bbox_y", "bbox_width", "bbox_height"]].values.tolist() == [[1, 0, 2, 2], [4, 0, 1, 3]]
    assert frame["type"].tolist() == ["mask", "mask"]


@pytest.mark.parametrize("image", [palette(), rgb(), rgb("RGBA")], ids=["palette", "RGB", "RGBA"])
def test_colours_of_the_template(tmp_path, image):
    dataset = lds.read_export(pack(tmp_path / "m.zip", a__png=image), categories=categories())
    assert_right(dataset.annotations)
    assert dataset.annotations["annotation_id"].tolist() == ["a.png/q-walker", "a.png/q-car"]
    assert dataset.files[["file_id", "file_name", "width", "height"]].values.tolist() == [["a", "a", 5, 3]]
    assert json.loads(dataset.files["extra"][0])["mask_path"] == "a.png"
    assert dataset.files["status"].isna().all()
    assert dataset.issues.empty


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_grey_values_by_the_callers_numbers(tmp_path, depth):
    factor = 1 if depth is np.uint8 else 20_000
    image = Image.fromarray(PIXELS.astype(depth) * factor)
    dataset = lds.read_export(
        pack(tmp_path / "m.zip", a__png=image), categories=categories(coco_id=[1 * factor, 2 * factor])
    )
    assert_right(dataset.annotations)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labelmap__txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nwalker:220,20,60::\ncar:0,0,142::\n"),
        ("classes__json", '{"walker": [220, 20, 60], "car": "#00008e"}'),
        (
            "coco__json",
            '{"categories": [{"name": "walker", "color": [220,20,60]}, {"name": "car", "color": [0,0,142]}]}',
        ),
        ("class_mapping__csv", 'class_name,class_color\nwalker,"220 20 60"\ncar,"0 0 142"\n'),
    ],
)
def test_a_colour_map_in_the_archive(tmp_path, name, text):
    path = pack(tmp_path / "m.zip", **{"a__png": rgb(), name: text})
    assert_right(lds.read_export(path, format="png").annotations, ["walker", "car"])
    assert_right(lds.read_export(path, format="png", categories=categories(color=[None, None])).annotations)


def test_values_of_a_labelmap(tmp_path):
    path = pack(
        tmp_path / "m.zip", a__png=Image.fromarray(PIXELS.astype(np.uint16)), labelmap__txt="walker:1::\ncar:2::\n"
    )
    assert_right(lds.read_export(path).annotations, ["walker", "car"])


def test_sixteen_bit_ids_stay_exact(tmp_path):
    values = np.array([[0, 255, 256], [300, 65535, 1]], dtype=np.uint16)
    with pytest.warns(lds.LabellerrWarning, match=r"unmatched_color \(5\)"):
        dataset = lds.read_export(pack(tmp_path / "m.zip", a__png=Image.fromarray(values)))
    assert dataset.annotations["category_id"].tolist() == ["1", "255", "256", "300", "65535"]
    assert dataset.annotations["category"].isna().all()


def test_a_colour_of_no_category_is_kept_and_told(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="#00008e"):
        dataset = lds.read_export(
            pack(tmp_path / "m.zip", a__png=rgb()), categories=categories(color=["#dc143c", None])
        )
    assert_right(dataset.annotations, ["q-walker", "#00008e"])
    assert dataset.categories["category_id"].tolist() == [*IDS, "#00008e"]


def test_masks_of_different_modes_and_a_broken_one_in_a_folder(tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    for name, image in (("a", palette()), ("b", rgb()), ("c", rgb("RGBA"))):
        (folder / f"{name}.png").write_bytes(png(image))
    (folder / "d.png").write_bytes(png(rgb())[:60])
    with pytest.warns(lds.LabellerrWarning, match="unreadable_image"):
        dataset = lds.read_export(folder, categories=categories())
    assert dataset.files["file_id"].tolist() == ["a", "b", "c", "d"]
    assert dataset.files["annotation_count"].tolist() == [2, 2, 2, 0]
    assert dataset.issues["id"].tolist() == ["d"]


def test_names_that_end_in_an_id_and_files_that_tell(tmp_path):
    own = "0164af7c-04f5-45eb-93e2-f31bba3db7d1"
    path = pack(tmp_path / "m.zip", **{f"a_{own}__png": rgb(), "b__png": rgb(), "c__png": rgb()})
    dataset = lds.read_export(path, categories=categories())
    assert dataset.files["file_id"].tolist() == [own, "b", "c"]
    files = schema.build(
        "files",
        {
            "file_id": [own, "f2"],
            "file_name": ["a.jpg", "b.jpg"],
            "status": ["accepted", "review"],
            "width": [5, 6],
            "height": [3, 3],
        },
        2,
    )
    with pytest.warns(lds.LabellerrWarning, match="unmatched_mask"):
        dataset = lds.read_export(path, categories=categories(), files=files)
    assert dataset.files["file_id"].tolist() == [own, "f2", "c"]
    assert dataset.files["file_name"].tolist() == ["a.jpg", "b.jpg", "c"]
    assert dataset.files["status"].tolist()[:2] == ["accepted", "review"]
    assert sorted(dataset.issues["code"]) == ["size_mismatch", "unmatched_mask"]


def test_a_folder_named_after_a_class_is_that_class(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        for value, name in enumerate(("walker", "car"), start=1):
            archive.writestr(f"{name}/a.png", png(Image.fromarray(np.where(value == PIXELS, 255, 0).astype(np.uint8))))
    dataset = lds.read_export(tmp_path / "m.zip", categories=categories())
    assert_right(dataset.annotations)
    assert len(dataset) == 1
    assert json.loads(dataset.files["extra"][0])["mask_path"] == ["walker/a.png", "car/a.png"]


def test_a_palette_without_colours_loses_no_pixel(tmp_path):
    image = Image.fromarray(PIXELS)
    image.putpalette([0] * 9)
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        dataset = lds.read_export(pack(tmp_path / "m.zip", a__png=image), categories=categories())
    assert dataset.annotations["category_id"].tolist() == ["1", "2"]


def test_transparent_pixels_are_background(tmp_path):
    rgba = np.dstack([np.array(COLORS, dtype=np.uint8)[PIXELS], np.where(PIXELS == 2, 0, 255).astype(np.uint8)])
    dataset = lds.read_export(pack(tmp_path / "m.zip", a__png=Image.fromarray(rgba)), categories=categories())
    assert dataset.annotations["category_id"].tolist() == ["q-walker"]


BINARY = [np.where(value == PIXELS, 255, 0).astype(np.uint8) for value in (1, 2)]


def pack_paths(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in entries.items():
            archive.writestr(name, body if isinstance(body, bytes | str) else png(body))
    return path


def photograph(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8))


def test_masks_of_one_name_in_folders_of_a_split_are_two_files(tmp_path):
    path = pack_paths(tmp_path / "m.zip", {"d/train/1.png": rgb(), "d/val/1.png": rgb(), "d/val/2.png": rgb()})
    dataset = lds.read_export(path, categories=categories())
    assert dataset.files["file_id"].tolist() == ["train/1", "val/1", "2"]
    assert dataset.files["file_name"].tolist() == ["train/1", "val/1", "2"]
    assert dataset.annotations["file_id"].tolist() == ["train/1"] * 2 + ["val/1"] * 2 + ["2"] * 2
    assert dataset.annotations["category"].tolist() == ["walker", "car"] * 3


def test_masks_of_one_name_belong_to_the_file_with_their_folder_in_its_name_or_to_none(tmp_path):
    path = pack_paths(tmp_path / "m.zip", {"train/1.png": rgb(), "val/1.png": rgb()})
    files = schema.build("files", {"file_id": ["f1", "f2"], "file_name": ["train/1.jpg", "other.jpg"]}, 2)
    with pytest.warns(lds.LabellerrWarning, match="unmatched_mask"):
        dataset = lds.read_export(path, categories=categories(), files=files)
    assert dataset.files["file_id"].tolist() == ["f1", "val/1"]
    files = schema.build("files", {"file_id": ["f1"], "file_name": ["1.jpg"]}, 1)
    with pytest.warns(lds.LabellerrWarning, match="unmatched_mask"):
        dataset = lds.read_export(path, categories=categories(), files=files)
    assert dataset.files["file_id"].tolist() == ["train/1", "val/1"]


@pytest.mark.parametrize("top", ["", "export/", "train/"])
def test_folders_of_black_and_white_masks_are_classes_where_nothing_names_any(tmp_path, top):
    entries = {f"{top}{name}/a.png": Image.fromarray(BINARY[place]) for place, name in enumerate(("walker", "car"))}
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        dataset = lds.read_export(pack_paths(tmp_path / "m.zip", entries))
    assert dataset.files["file_id"].tolist() == ["a"]
    assert dict(zip(dataset.annotations["category"], dataset.annotations["area"], strict=True)) == {
        "walker": 3, "car": 3,
    }  # fmt: skip
    assert dataset.issues["id"].tolist() == ["car", "walker"]


def test_folders_of_classes_within_folders_of_a_split(tmp_path):
    entries = {
        f"{part}/{name}/a.png": Image.fromarray(BINARY[place])
        for part in ("train", "val")
        for place, name in enumerate(("walker", "car"))
    }
    dataset = lds.read_export(pack_paths(tmp_path / "m.zip", entries), categories=categories())
    assert dataset.files["file_id"].tolist() == ["train/a", "val/a"]
    assert dataset.annotations["category"].tolist() == ["walker", "car"] * 2
    assert dataset.annotations["file_id"].tolist() == ["train/a"] * 2 + ["val/a"] * 2


def test_a_folder_beside_those_of_the_templates_classes_is_a_class_too(tmp_path):
    entries = {f"{name}/a.png": Image.fromarray(BINARY[place]) for place, name in enumerate(("walker", "tree"))}
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        dataset = lds.read_export(pack_paths(tmp_path / "m.zip", entries), categories=categories())
    assert dataset.annotations["category"].tolist() == ["walker", "tree"]
    assert dataset.files["file_id"].tolist() == ["a"]


def test_folders_of_a_split_with_black_and_white_masks_are_no_classes(tmp_path):
    entries = {"train/1.png": Image.fromarray(BINARY[0]), "val/1.png": Image.fromarray(BINARY[1])}
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        dataset = lds.read_export(pack_paths(tmp_path / "m.zip", entries))
    assert dataset.annotations["category_id"].tolist() == ["255", "255"]
    assert dataset.annotations["file_id"].tolist() == ["train/1", "val/1"]


def test_photographs_in_a_folder_of_their_own_are_no_masks_but_have_the_names(tmp_path):
    entries = {
        "images/a.png": photograph(),
        "images/b.jpg": b"\xff\xd8\xff",
        "masks/a.png": rgb(),
        "masks/b.png": rgb(),
    }
    dataset = lds.read_export(pack_paths(tmp_path / "m.zip", entries), categories=categories())
    assert dataset.files["file_id"].tolist() == ["a", "b"]
    assert dataset.files["file_name"].tolist() == ["a.png", "b.jpg"]
    assert dataset.annotations["category"].tolist() == ["walker", "car"] * 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nwalker:220,20,60::\ncar:0,0,142::\n"),
        ("label_colors.txt", "0 0 0\tVoid\n220 20 60\twalker\n0 0 142\tcar\n"),
        ("colors.txt", "background 0 0 0\nwalker 220 20 60\ncar 0 0 142"),
        ("class_dict.csv", "name,r,g,b\nwalker,220,20,60\ncar,0,0,142\n"),
    ],
)
def test_colour_maps_of_the_trade(tmp_path, name, text):
    dataset = lds.read_export(pack_paths(tmp_path / "m.zip", {"a.png": rgb(), name: text}))
    assert dataset.annotations["category"].tolist() == ["walker", "car"]
    assert dataset.issues.empty


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "__ignore__\n_background_\nwalker\ncar\n"),
        ("classes.txt", "background\nwalker\ncar"),
        ("label_names.txt", "0: background\n1: walker\n2: car"),
        ("ids.txt", "walker 1\ncar 2"),
        ("labelmap.txt", "walker:1::\ncar:2::"),
    ],
)
def test_values_by_the_names_of_the_trade(tmp_path, name, text):
    dataset = lds.read_export(pack_paths(tmp_path / "m.zip", {"a.png": Image.fromarray(PIXELS), name: text}))
    assert dataset.annotations["category"].tolist() == ["walker", "car"]
    assert dataset.issues.empty


def test_a_text_that_is_no_colour_map_is_none(tmp_path):
    path = pack_paths(tmp_path / "m.zip", {"a.png": Image.fromarray(PIXELS), "README.txt": "made in 2026\nby hand\n"})
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        dataset = lds.read_export(path)
    assert dataset.categories["category_id"].tolist() == ["1", "2"]


def test_masks_of_one_file_in_two_shards_are_one_file(tmp_path):
    for name in ("s0/walker/a.png", "s1/car/a.png", "s0/car/b.png", "s1/car/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(6, dtype=np.uint8) * 255).save(tmp_path / name)
    dataset = lds.read_export(tmp_path, categories=categories())
    assert sorted(dataset.files["file_id"]) == ["a", "s0/b", "s1/b"]  # of one class twice: two files
    assert dataset.annotations.query("file_id == 'a'")["category"].tolist() == ["walker", "car"]


def test_a_file_with_its_id_in_the_name_is_called_without_folders(tmp_path):
    stem = "x_0f0e0d0c-1111-4222-8333-444455556666"
    for name in (f"s0/{stem}.png", f"s1/{stem}.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.eye(6, dtype=np.uint8)).save(tmp_path / name)
    with pytest.warns(lds.LabellerrWarning):
        dataset = lds.read_export(tmp_path)
    assert dataset.files[["file_id", "file_name"]].values.tolist() == [[stem[2:], stem]]
