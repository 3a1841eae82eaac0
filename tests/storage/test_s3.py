"""Reading from buckets: real stores, odd names, and all that may go wrong on the way."""

from __future__ import annotations

import io
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import stores
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.storage import fetch, s3
from labellerr_ds.storage.s3 import AT_ONCE, Bucket, split_url

SAMPLES = pathlib.Path(__file__).parents[1] / "samples"
NATIVE = (SAMPLES / "native_review.json").read_bytes()


@pytest.fixture
def prefix():
    return uuid.uuid4().hex[:8]


@pytest.fixture
def nothing_stays(monkeypatch, tmp_path):
    """Temporary files go below here, and are gone in the end."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def read(url: str, **more: object) -> lds.Dataset:
    return lds.read_export(url, progress=False, **more)


def big(store, key: str, megabytes: int = 1) -> bytes:
    body = json.dumps(
        [
            {"file_id": f"f{number:07}", "file_name": "x" * 200, "latest_answer": []}
            for number in range(megabytes * 4200)
        ]
    )
    store.put(key, body.encode())
    return body.encode()


def png(color: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 6), color).save(out, "PNG")
    return out.getvalue()


# --- what there is


ODD = [
    "a b+c.json",
    "ünïcode 通り.json",
    "100%25.json",
    "q?u=e&r#y.json",
    "../up.json",
    "..",
    "a//b.json",
    "=x;y,.json",
]


@pytest.mark.parametrize("name", ODD)
def test_any_key_is_read_as_it_stands(store, prefix, nothing_stays, name):
    try:
        store.put(f"{prefix}/{name}", NATIVE)
    except store.s3.exceptions.ClientError as refusal:
        assert name in ("..",), refusal  # some stores refuse such a name themselves
        return
    if f"{prefix}/{name}" not in store.keys(prefix):
        pytest.fail(f"the store keeps {name!r} under another name: {store.keys('')[:5]}")
    assert len(read(f"s3://labels/{prefix}/{name}")) == 6
    assert len(read(f"s3://labels/{prefix}/")) == 6


def test_a_prefix_of_shards_is_one_dataset(store, prefix, nothing_stays):
    for number, item in enumerate(json.loads(NATIVE)):
        store.put(f"{prefix}/part-{number}.json", json.dumps([item]).encode())
    store.put(f"{prefix}/.hidden", b"\0")
    store.put(f"{prefix}/", b"")  # how consoles make a folder
    store.put(f"{prefix}-other/part-9.json", NATIVE)
    for url in (f"s3://labels/{prefix}", f"s3://labels/{prefix}/", f"S3A://labels/{prefix}/"):
        dataset = read(url)
        assert len(dataset) == 6
        assert dataset.info["source"] == prefix


def test_a_listing_of_more_than_a_thousand_keys_is_read_to_its_end(moto, prefix, own_keys, nothing_stays, caplog):
    caplog.set_level(logging.INFO)  # so many requests at DEBUG take longer to tell than to make
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    body = png(1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: moto.put(f"{prefix}/car/{number:05}.png", body), range(1100)))
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        masks = read(f"s3://labels/{prefix}/")
    assert len(masks) == len(masks.annotations) == 1100
    assert masks.annotations["annotation_id"][0].startswith("car/00000.png/")


def test_frames_that_were_written_as_parquet_come_back(store, prefix, tmp_path):
    dataset = lds.read_export(SAMPLES / "coco_client_review.json")
    for path in dataset.to_parquet(tmp_path / "frames").iterdir():
        store.put(f"{prefix}/{path.name}", path.read_bytes())
    assert read(f"s3://labels/{prefix}/").annotations.equals(dataset.annotations)


def test_a_zip_and_a_whole_bucket_are_read(store, prefix, tmp_path):
    store.s3.create_bucket(Bucket=f"own-{prefix}")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "export.json").write_bytes(NATIVE)
    archive = shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path / "inside")
    store.s3.put_object(Bucket=f"own-{prefix}", Key="export.zip", Body=pathlib.Path(archive).read_bytes())
    assert len(read(f"s3://own-{prefix}")) == len(read(f"s3://own-{prefix}/export.zip")) == 6


@pytest.mark.parametrize("parts", [[6, 6, 3], [5, 7, 6, 3]])
def test_what_was_put_in_parts_is_checked_part_by_part(store, prefix, monkeypatch, parts):
    body = big(store, f"{prefix}/whole.json", sum(parts) + 2)
    key = f"{prefix}/parts.json"
    upload = store.s3.create_multipart_upload(Bucket="labels", Key=key)["UploadId"]
    told, start = [], 0
    for number, size in enumerate(parts, start=1):
        stop = len(body) if number == len(parts) else start + (size << 20)
        part = store.s3.upload_part(Bucket="labels", Key=key, UploadId=upload, PartNumber=number, Body=body[start:stop])
        told.append({"PartNumber": number, "ETag": part["ETag"]})
        start = stop
    store.s3.complete_multipart_upload(Bucket="labels", Key=key, UploadId=upload, MultipartUpload={"Parts": told})
    seen = []
    fits = s3._Stored._has_etag
    monkeypatch.setattr(s3._Stored, "_has_etag", lambda self, path: seen.append(fits(self, path)) or seen[-1])
    assert len(read(f"s3://labels/{key}")) == len(json.loads(body))
    assert seen == [True]


# --- what may go wrong


def test_an_object_that_is_cut_short_goes_on_where_it_broke(store, prefix, own_keys, nothing_stays):
    body = big(store, f"{prefix}/export.json", 3)
    with stores.cutting(store, [700_000, 900_000]) as address:
        own_keys(AWS_ENDPOINT_URL=address)
        assert len(read(f"s3://labels/{prefix}/export.json")) == len(json.loads(body))


def test_one_that_is_cut_short_every_time_is_an_error_and_leaves_nothing(
    moto, prefix, own_keys, nothing_stays, monkeypatch
):
    monkeypatch.setattr(fetch, "DOWNLOAD_TRIES", 3)
    big(moto, f"{prefix}/export.json", 3)
    with stores.cutting(moto, [2_000] * 9) as address:
        own_keys(AWS_ENDPOINT_URL=address)
        with pytest.raises(lds.DownloadError, match=r"of [\d,]+ bytes, 3 times in a row"):
            read(f"s3://labels/{prefix}/export.json")


def test_a_byte_that_rotted_in_the_store_is_never_served(swift, prefix, own_keys, nothing_stays):
    own_keys(AWS_ENDPOINT_URL=swift.endpoint)
    before = set(swift.folder.rglob("*.data"))
    big(swift, f"{prefix}/export.json")
    (data,) = set(swift.folder.rglob("*.data")) - before
    body = bytearray(data.read_bytes())
    body[len(body) // 2] ^= 1
    with data.open("r+b") as file:
        file.write(body)
    with pytest.raises((lds.DownloadError, lds.NotFoundError)):  # Swift takes it out when it was read once
        read(f"s3://labels/{prefix}/export.json")


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(store, prefix, monkeypatch, nothing_stays):
    store.put(f"{prefix}/export.json", NATIVE)
    find = Bucket.find

    def found_and_replaced(self, key):
        found = find(self, key)
        store.put(f"{prefix}/export.json", b"[]")
        return found

    monkeypatch.setattr(Bucket, "find", found_and_replaced)
    with pytest.raises(lds.DownloadError, match="replaced while it was being read"):
        read(f"s3://labels/{prefix}/export.json")


def test_a_checksum_that_does_not_fit_twice_is_an_error(moto, prefix, own_keys, monkeypatch, nothing_stays):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    moto.put(f"{prefix}/export.json", NATIVE)
    verify = s3._Stored.verify

    def flipped(self, path):
        body = path.read_bytes()
        path.write_bytes(body[:9] + b"#" + body[10:])
        verify(self, path)

    monkeypatch.setattr(s3._Stored, "verify", flipped)
    with pytest.raises(lds.DownloadError, match="checksum mismatch, twice: it is damaged"):
        read(f"s3://labels/{prefix}/export.json")


def test_damage_that_boto3_found_is_damage_also_where_the_etag_is_no_checksum(
    moto, prefix, own_keys, monkeypatch, nothing_stays
):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    moto.s3.put_object(
        Bucket="labels", Key=f"{prefix}.json", Body=NATIVE, ServerSideEncryption="aws:kms", ChecksumAlgorithm="CRC32"
    )
    opened = Bucket.open

    def damaged(self, item, start, what):
        told = opened(self, item, start, what)
        inner = told["Body"]._raw_stream
        read = inner.read
        inner.read = lambda *size, **more: read(*size, **more).replace(b"1000384", b"1000385")
        return told

    assert len(read(f"s3://labels/{prefix}.json")) == 6
    monkeypatch.setattr(Bucket, "open", damaged)
    with pytest.raises(lds.DownloadError, match="checksum"):
        read(f"s3://labels/{prefix}.json")


def test_nothing_but_hidden_files_is_a_read_error(moto, own_keys, prefix):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    moto.put(f"{prefix}/.hidden", b"x")
    with pytest.raises(lds.ReadError, match="hidden files"):
        read(f"s3://labels/{prefix}/")


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"AWS_ENDPOINT_URL": "localhost:9000"}, lds.StorageError),
        ({"AWS_PROFILE": "nobody"}, lds.StorageError),
        ({"AWS_SECRET_ACCESS_KEY": ""}, lds.AuthError),
    ],
)
def test_settings_that_cannot_be_meant_are_told(own_keys, client, settings, kind):
    own_keys(**settings)
    with pytest.raises(kind):
        read("s3://labels/x.json")
    if "AWS_ENDPOINT_URL" not in settings:
        with pytest.raises(kind):
            lds.create_s3_connection(client, name="x", bucket_path="labels/")


def test_the_keys_that_a_role_gives_are_not_logged(moto, own_keys, tmp_path, prefix):
    moto.put(f"{prefix}.json", NATIVE)
    (tmp_path / "config").write_text(
        "[profile base]\nregion=us-east-1\n[profile role]\nregion=us-east-1\n"
        "role_arn=arn:aws:iam::123456789012:role/x\nsource_profile=base\n"
    )
    (tmp_path / "credentials").write_text(
        f"[base]\naws_access_key_id={stores.ACCESS_KEY}\naws_secret_access_key={stores.SECRET_KEY}\n"
    )
    code = (
        "import logging; logging.basicConfig(level=logging.DEBUG); import labellerr_ds as lds, boto3\n"
        f"print(len(lds.read_export('s3://labels/{prefix}.json')))\n"
        "logging.disable(); keys = boto3.Session().get_credentials().get_frozen_credentials()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment.update(
        AWS_CONFIG_FILE=str(tmp_path / "config"), AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"),
        AWS_PROFILE="role", AWS_ENDPOINT_URL=moto.endpoint,
    )  # fmt: skip
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert told.stdout.startswith("6"), told.stderr[-800:]
    assert "AssumeRole" in told.stderr
    assert "<SecretAccessKey>…<" in told.stderr
    assert "<SessionToken>…<" in told.stderr
    assert stores.SECRET_KEY not in told.stderr


def test_one_of_many_that_fails_stops_the_others_and_leaves_nothing(moto, prefix, own_keys, monkeypatch, nothing_stays):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    for number in range(3 * AT_ONCE):
        moto.put(f"{prefix}/{number:03}.json", NATIVE)
    find = Bucket.find

    def without_one(self, key):
        found = find(self, key)
        moto.s3.delete_object(Bucket="labels", Key=f"{prefix}/001.json")
        return found

    monkeypatch.setattr(Bucket, "find", without_one)
    with pytest.raises(lds.LabellerrError, match=r"001\.json: (does not exist|it was replaced)"):
        read(f"s3://labels/{prefix}/")


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("s3://nowhere-at-all/x.json", lds.NotFoundError, "no bucket 'nowhere-at-all'"),
        ("s3://labels/none/x.json", lds.NotFoundError, "nothing exists at s3://labels/none/x.json"),
        ("s3://labels/none/", lds.NotFoundError, "nothing exists at s3://labels/none"),
    ],
)
def test_what_is_not_there_is_told(store, url, kind, words):
    with pytest.raises(kind, match=words):
        read(url)


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///key", "s3://bucket?x", "gs://bucket/x", "https://host/x?Signature=abc"]
)
def test_an_address_that_is_none_is_refused(url, own_keys):
    with pytest.raises(lds.InvalidArgumentError, match="S3 address|cannot read (gs|https)") as caught:
        read(url)
    assert "Signature" not in str(caught.value)


def test_a_name_that_s3_does_not_allow_is_refused(moto, own_keys):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    with pytest.raises(lds.InvalidArgumentError, match="not a name that S3 allows"):
        read("s3://a*b/x.json")


def test_a_prefix_without_an_export_is_a_read_error(store, prefix):
    store.put(f"{prefix}/readme.txt", b"hello")
    with pytest.raises(lds.ReadError, match=rf"{prefix}: expected json, coco_json, csv"):
        read(f"s3://labels/{prefix}/")


@pytest.mark.parametrize(
    "keys",
    [
        {"AWS_SECRET_ACCESS_KEY": "wrong-canary-secret"},
        {"AWS_ACCESS_KEY_ID": "wrong-canary-access"},
    ],
)
def test_wrong_keys_are_told_without_the_keys(swift, own_keys, keys):
    own_keys(AWS_ENDPOINT_URL=swift.endpoint, **keys)
    with pytest.raises(lds.AuthError, match=r"refused the AWS keys.*~/\.aws") as caught:
        read("s3://labels/x.json")
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_keys_without_permission_are_told(swift, own_keys):
    swift.s3.create_bucket(Bucket="private")
    swift.s3.put_object(Bucket="private", Key="x.json", Body=NATIVE)
    own_keys(
        AWS_ENDPOINT_URL=swift.endpoint, AWS_ACCESS_KEY_ID=stores.READER_KEY, AWS_SECRET_ACCESS_KEY=stores.READER_SECRET
    )
    for url in ("s3://private/x.json", "s3://private/"):
        with pytest.raises(lds.AuthError, match="no permission"):
            read(url)
    swift.put("readable.json", NATIVE)
    assert len(read("s3://labels/readable.json")) == 6


def test_no_keys_at_all_are_told(own_keys):
    with pytest.raises(lds.AuthError, match="no AWS keys"):
        read("s3://labels/x.json")


def test_a_bucket_in_another_region_is_followed(swift, own_keys, prefix):
    swift.put(f"{prefix}.json", NATIVE)
    own_keys(AWS_ENDPOINT_URL=swift.endpoint, AWS_DEFAULT_REGION="eu-west-1")
    assert len(read(f"s3://labels/{prefix}.json")) == 6


def test_an_endpoint_that_is_down_is_told_by_its_host_alone(own_keys):
    own_keys(AWS_ENDPOINT_URL=f"http://127.0.0.1:{stores.free_port()}")
    with pytest.raises(lds.ConnectionFailedError, match=r"no connection.*at 127\.0\.0\.1"):
        read("s3://labels/x.json")


def test_a_profile_that_is_not_there_is_told(own_keys):
    own_keys(AWS_PROFILE="nobody")
    with pytest.raises(lds.StorageError, match="nobody"):
        read("s3://labels/x.json")


def test_too_little_room_is_told_before_anything_is_fetched(moto, own_keys, prefix, monkeypatch, nothing_stays):
    own_keys(AWS_ENDPOINT_URL=moto.endpoint)
    moto.put(f"{prefix}.json", NATIVE)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 0, 10))
    with pytest.raises(lds.DiskError, match=f"{len(NATIVE):,} bytes are needed, 10 are free"):
        read(f"s3://labels/{prefix}.json")


def test_without_boto3_it_says_how_to_install_it(monkeypatch, own_keys):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(lds.MissingExtraError, match=r"pip install 'labellerr-ds\[s3\]'"):
        read("s3://labels/x.json")
    assert issubclass(lds.MissingExtraError, ImportError)


def test_nothing_that_is_logged_at_debug_holds_a_key(swift, own_keys, prefix):
    """In a process of its own: here the tests' own calls have the logs redacted already."""
    swift.put(f"{prefix}.json", NATIVE)
    own_keys(AWS_ENDPOINT_URL=swift.endpoint)
    code = (
        "import logging; logging.basicConfig(level=logging.DEBUG); import labellerr_ds as lds; "
        f"print(len(lds.read_export('s3://labels/{prefix}.json'))); lds.read_export('s3://private-x/y')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert told.stdout.startswith("6")
    assert "NotFoundError" in told.stderr
    assert "botocore" in told.stderr
    assert not [secret for secret in stores.SECRETS if secret in told.stdout + told.stderr]
    assert "Signature=" not in told.stderr.replace("Signature=…", "")


@pytest.mark.parametrize(
    ("url", "parts"),
    [("s3://b/k", ("b", "k")), ("s3://b", ("b", "")), ("s3://b/", ("b", "")), ("s3a://b/a b/../c", ("b", "a b/../c"))],
)
def test_an_address_is_a_bucket_and_a_key_as_it_stands(url, parts):
    assert split_url(url) == parts
