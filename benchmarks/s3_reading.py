"""Reading from a bucket: boto3, obstore and s3fs side by side, and read_export, on one store.

    python benchmarks/s3_reading.py [--store moto|swift|ENDPOINT] [--masks 2000] [--megabytes 450] [--rounds 2]

Each library gets a virtual environment of its own, since s3fs and boto3 ask for different botocores. An
ENDPOINT takes its keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

AT_ONCE = 16
WAYS = {
    "boto3": """
import boto3
from botocore.config import Config
from concurrent.futures import ThreadPoolExecutor
s3 = boto3.client("s3", config=Config(max_pool_connections=AT_ONCE))
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="labels", Prefix=PREFIX)
keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
def one(key):
    with open(OUT / str(abs(hash(key))), "wb") as file:
        for piece in s3.get_object(Bucket="labels", Key=key)["Body"].iter_chunks(1 << 20):
            file.write(piece)
with ThreadPoolExecutor(AT_ONCE) as pool:
    list(pool.map(one, keys))
""",
    "obstore": """
import os, obstore
from obstore.store import S3Store
from concurrent.futures import ThreadPoolExecutor
s3 = S3Store("labels", endpoint=os.environ["AWS_ENDPOINT_URL"], client_options={"allow_http": True})
keys = [each["path"] for page in obstore.list(s3, prefix=PREFIX) for each in page]
def one(key):
    with open(OUT / str(abs(hash(key))), "wb") as file:
        for piece in obstore.get(s3, key).stream(min_chunk_size=1 << 20):
            file.write(piece)
with ThreadPoolExecutor(AT_ONCE) as pool:
    list(pool.map(one, keys))
""",
    "s3fs": """
import os, s3fs
fs = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
keys = fs.find("labels/" + PREFIX)
fs.get(keys, [str(OUT / str(number)) for number in range(len(keys))])
""",
    "read_export": """
import warnings
warnings.simplefilter("ignore")
import labellerr_ds as lds
made = lds.read_export("s3://labels/" + PREFIX, progress=False)
""",
}
AROUND = """
import pathlib, resource, shutil, sys, tempfile, time
PREFIX, AT_ONCE, OUT = sys.argv[1], int(sys.argv[2]), pathlib.Path(tempfile.mkdtemp())
begun = time.perf_counter()
WAY
seconds = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_SELF)
shutil.rmtree(OUT)
processor = used.ru_utime + used.ru_stime
status = pathlib.Path("/proc/self/status").read_text()  # ru_maxrss begins with the peak of the parent
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(f"{seconds:7.2f} s   {processor:6.2f} s of processor   {peak:6.0f} MB peak")
"""


def fill(s3, masks: int, megabytes: int) -> None:
    from PIL import Image

    rng = random.Random(0)

    def put(number: int) -> None:
        image, out = Image.new("P", (640, 480)), io.BytesIO()
        image.putpalette([0, 0, 0, 220, 20, 60, 0, 120, 200])
        image.paste(1 + number % 2, (number % 500, 40, number % 500 + 90, 300))
        image.save(out, "PNG")
        s3.put_object(Bucket="labels", Key=f"masks/{number:06}.png", Body=out.getvalue())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(masks)))
    with tempfile.TemporaryFile() as file:
        ring = [[round(rng.uniform(0, 640), 2) for _ in range(60)] for _ in range(500)]
        count, size = megabytes * 1720, "100,100,50,50"
        file.write(
            b'{"images":['
            + b",".join(
                b'{"id":%d,"width":640,"height":480,"file_name":"%d.jpg"}' % (number, number)
                for number in range(count // 8)
            )
        )
        file.write(b'],"categories":[{"id":0,"name":"car"}],"annotations":[\n')
        for number in range(count):
            told = json.dumps([ring[number % 500]])
            file.write(b",\n" if number else b"")
            file.write(
                f'{{"id":{number},"image_id":{number % (count // 8)},"category_id":0,"segmentation":{told},'
                f'"bbox":[{size}],"area":2500.0,"iscrowd":0}}'.encode()
            )
        file.write(b"]}")
        print(f"coco_json: {file.tell() / 1e6:.0f} MB, {count:,} annotations; masks: {masks:,}")
        file.seek(0)
        s3.upload_fileobj(file, "labels", "big/export.json")


def environment(folder: pathlib.Path, library: str) -> str:
    if library == "read_export":
        return sys.executable
    venv.create(folder / library, with_pip=True)
    python = str(folder / library / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "-U", library], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="moto")
    parser.add_argument("--masks", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=450)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    import stores

    with contextlib.ExitStack() as opened:
        folder = pathlib.Path(opened.enter_context(tempfile.TemporaryDirectory()))
        if asked.store in ("moto", "swift"):
            store = opened.enter_context(getattr(stores, asked.store)())
            os.environ.update(AWS_ACCESS_KEY_ID=stores.ACCESS_KEY, AWS_SECRET_ACCESS_KEY=stores.SECRET_KEY)
        else:
            stores.ACCESS_KEY = os.environ["AWS_ACCESS_KEY_ID"]
            stores.SECRET_KEY = os.environ["AWS_SECRET_ACCESS_KEY"]
            store = stores.Store("own", asked.store, folder)
        os.environ.update(AWS_ENDPOINT_URL=store.endpoint, AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1")
        fill(store.s3, asked.masks, asked.megabytes)
        pythons = {way: environment(folder, way) for way in WAYS}
        for number in range(asked.rounds):
            for prefix in ("masks/", "big/"):
                for way, python in pythons.items():
                    code = AROUND.replace("WAY", WAYS[way])
                    told = subprocess.run(
                        [python, "-c", code, prefix, str(AT_ONCE)], capture_output=True, text=True, check=True
                    )
                    print(f"round {number + 1}   {prefix:7}{way:12}{told.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
