"""Images that are copied for a trainer lie as their labels do, whatever their EXIF orientation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageOps

import labellerr_ds as lds
from labellerr_ds.images.orientation import ORIENTATION, copy_upright


def picture(path, orientation, *, order="big", **options):
    """An image of 30 x 20 as stored, with a bright corner at its top left."""
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    pixels[:8, :8] = 250
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif.endian = "<" if order == "little" else ">"
    exif[0x010F] = "a camera"
    exif[ORIENTATION] = orientation
    image.save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_a_copy_looks_as_a_browser_shows_it_and_has_no_orientation(tmp_path, orientation, ending):
    source = picture(tmp_path / f"a.{ending}", orientation)
    shown = ImageOps.exif_transpose(Image.open(source))
    assert copy_upright(source, tmp_path / f"b.{ending}", *shown.size) == (orientation > 1)
    copy = Image.open(tmp_path / f"b.{ending}")
    assert copy.getexif().get(ORIENTATION, 1) == 1
    assert copy.size == shown.size
    np.testing.assert_allclose(np.asarray(copy.convert("RGB"), int), np.asarray(shown.convert("RGB"), int), atol=60)


@pytest.mark.parametrize("order", ["big", "little"])
def test_where_labels_are_in_the_stored_frame_a_jpeg_loses_its_tag_and_nothing_else(tmp_path, order):
    source = picture(tmp_path / "a.jpg", 6, order=order)
    assert copy_upright(source, tmp_path / "b.jpg", 30, 20)
    before, after = source.read_bytes(), (tmp_path / "b.jpg").read_bytes()
    assert sum(one != other for one, other in zip(before, after, strict=True)) <= 2
    copy = Image.open(tmp_path / "b.jpg")
    assert (copy.size, copy.getexif()[ORIENTATION], copy.getexif()[0x010F]) == ((30, 20), 1, "a camera")
    np.testing.assert_array_equal(np.asarray(copy), np.asarray(Image.open(source)))


def test_a_png_in_the_stored_frame_keeps_its_pixels(tmp_path):
    source = picture(tmp_path / "a.png", 6)
    assert copy_upright(source, tmp_path / "b.png", 30, 20)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), np.asarray(Image.open(source)))


def test_an_image_without_an_orientation_and_a_file_that_is_none_are_copied_as_they_are(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    (tmp_path / "c.jpg").write_bytes(b"no image")
    for name in ("a.jpg", "c.jpg"):
        assert not copy_upright(tmp_path / name, tmp_path / f"copy-{name}", 4, 4)
        assert (tmp_path / f"copy-{name}").read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("frame", ["stored", "shown"])
def test_a_yolo_folder_has_labels_and_images_in_one_frame(tmp_path, frame):
    width, height = (30, 20) if frame == "stored" else (20, 30)
    box = [0, 0, 8, 8] if frame == "stored" else [12, 0, 8, 8]  # of the bright corner
    (tmp_path / "images").mkdir()
    picture(tmp_path / "images" / "a.jpg", 6, quality=95)
    export = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": width, "height": height}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box}],
        "categories": [{"id": 1, "name": "corner"}],
    }
    (tmp_path / "export.json").write_text(json.dumps(export))
    dataset = lds.read_export(tmp_path / "export.json")
    with pytest.warns(lds.LabellerrWarning, match="1 images have an EXIF orientation"):
        dataset.to_yolo(tmp_path / "yolo", task="detect", images=tmp_path / "images")
    copy = np.asarray(Image.open(tmp_path / "yolo" / "images" / "train" / "a.jpg").convert("L"), int)
    x, y, wide, high = (float(each) for each in (tmp_path / "yolo/labels/train/a.txt").read_text().split()[1:])
    rows = slice(round((y - high / 2) * height), round((y + high / 2) * height))
    columns = slice(round((x - wide / 2) * width), round((x + wide / 2) * width))
    assert copy[rows, columns].mean() > 200
    assert copy.mean() < 60
    back = lds.read_yolo(tmp_path / "yolo")
    assert back.files[["width", "height"]].values.tolist() == [[width, height]]
