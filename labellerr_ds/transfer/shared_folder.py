"""A folder that all processes of a cluster see: on a disk, or below a prefix of a bucket."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from labellerr_ds.disk import disk_errors, new_folder
from labellerr_ds.errors import LabellerrError
from labellerr_ds.owners import scratched
from labellerr_ds.target import folder_at
from labellerr_ds.transfer.s3 import AT_ONCE, Bucket, is_s3, split_url

log = logging.getLogger(__name__)


class SharedFolder:
    """A folder that all processes see.

    Each process reaches a bucket with AWS keys of its own: what goes between them is the address.

    Parameters
    ----------
    path : str
        A folder, which is made where it is not there, or ``s3://bucket/prefix``.
    """

    def __init__(self, path: str | Path) -> None:
        self._bucket: Bucket | None = None
        if is_s3(path):
            bucket, key = split_url(str(path))
            self._bucket, self._prefix = Bucket(bucket), key.rstrip("/")
            self.path = f"s3://{bucket}/{self._prefix}".rstrip("/")
        else:
            self.path = str(new_folder(path).absolute())

    def __repr__(self) -> str:
        return f"SharedFolder({self.path!r})"

    @classmethod
    def of(cls, path: str) -> tuple[SharedFolder, str]:
        """The folder of a file's path or address, and its name in it."""
        if is_s3(path):
            folder, _, name = path.rpartition("/")
            return cls(folder), name
        return cls(Path(path).parent), Path(path).name

    def path_of(self, name: str) -> str:
        """The path or address of a file."""
        return str(Path(self.path) / name) if self._bucket is None else f"{self.path}/{name}"

    def own(self, purpose: str) -> SharedFolder:
        """A new folder in it, which no other call has."""
        return SharedFolder(self.path_of(f"{purpose}-{uuid.uuid4().hex[:12]}"))

    @contextmanager
    def lent(self, purpose: str) -> Iterator[SharedFolder]:
        """As `own`, and removed at the end."""
        made = self.own(purpose)
        try:
            yield made
        finally:
            made._remove()

    def names(self) -> list[str]:
        """The files and folders in it."""
        if self._bucket is None:
            return sorted(os.listdir(self.path))
        keys = (item.key.removeprefix(self._key("")) for item in self._bucket.below(self._key("")))
        return sorted({key.partition("/")[0] for key in keys})

    def lacks(self, names: Iterable[str]) -> bool:
        """Whether files of a disk are not there: another machine may have written them to a disk of its own."""
        return self._bucket is None and not {*names} <= {*os.listdir(self.path)}

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path to write a file to, which is in the folder under its name once it is whole."""
        if self._bucket is None:
            beside = Path(self.path) / f".{os.getpid()}-{uuid.uuid4().hex[:8]}-{name}"
            with disk_errors(beside):
                try:
                    yield beside
                    os.replace(beside, self.path_of(name))
                finally:
                    beside.unlink(missing_ok=True)
            return
        with scratched("shared") as folder:
            yield folder / name
            self._bucket.put(folder / name, self._key(name))

    @contextmanager
    def writing_folder(self, name: str) -> Iterator[Path]:
        """As `writing`, for a folder; in a bucket its files come one after the other."""
        if self._bucket is None:
            with folder_at(self.path_of(name), overwrite=True) as beside:
                yield beside
            return
        with scratched("shared") as folder:
            yield folder
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            keys = [self._key(f"{name}/{path.relative_to(folder).as_posix()}") for path in files]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self._bucket.put, files, keys))

    @contextmanager
    def reading(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Paths to read files from."""
        if self._bucket is None:
            yield [Path(self.path) / name for name in names]
            return
        with scratched("shared") as folder:
            paths = [folder / f"{place:06}" for place in range(len(names))]
            if names:
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    items = list(pool.map(self._bucket.find, map(self._key, names)))
                self._bucket.fetch([item for item, *_ in items], paths, progress=False)
            yield paths

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _remove(self) -> None:
        if self._bucket is None:
            shutil.rmtree(self.path, ignore_errors=True)
            return
        try:
            self._bucket.remove([item.key for item in self._bucket.below(self._key(""))])
        except LabellerrError as problem:  # who may write may not always remove
            log.warning("%s was not removed: %s", self.path, problem)
