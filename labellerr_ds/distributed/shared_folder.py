"""A folder that all processes of a cluster see: on a disk, or below a prefix of a bucket."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from labellerr_ds.core.atomic import file_at, folder_at
from labellerr_ds.core.backoff import intervals
from labellerr_ds.core.disk import disk_errors, new_folder
from labellerr_ds.core.errors import DiskError, LabellerrError, NotFoundError, ReadError, warn
from labellerr_ds.core.models import S3Object
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.storage.s3 import AT_ONCE, Bucket, bucket_of, is_s3, split_url

MARKER = "in-use"  # in a folder of one call, until it is removed
PATIENCE_S = 40.0  # a disk of the network may show a file of another machine later: NFS keeps a listing for 30 s


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
        self._put: dict[str, S3Object] = {}
        self._may_go = False
        if is_s3(path):
            bucket, key = split_url(str(path))
            self._bucket, self._prefix = bucket_of(bucket), key.rstrip("/")
            self.path = f"s3://{bucket}/{self._prefix}".rstrip("/")
        else:
            self.path = str(new_folder(path).absolute())

    def __repr__(self) -> str:
        return f"SharedFolder({self.path!r})"

    @classmethod
    def there(cls, path: str) -> SharedFolder:
        """One that another process made, and this one does not make.

        Raises
        ------
        DiskError
            Where it is not there.
        """
        if not is_s3(path) and not os.path.isdir(path):
            raise _gone(path)
        return cls(path)

    @classmethod
    def lent_by(cls, path: str) -> SharedFolder:
        """One that another process made by `own`, and may remove meanwhile: nothing stays then of what is written."""
        made = cls.there(path)
        made._may_go = True
        return made

    @classmethod
    def of(cls, path: str) -> tuple[SharedFolder, str]:
        """The folder, made by `own`, of a file's path or address, and the file's name in it."""
        folder, name = path.rpartition("/")[::2] if is_s3(path) else os.path.split(path)
        return cls.lent_by(folder), name

    def path_of(self, name: str) -> str:
        """The path or address of a file."""
        return str(Path(self.path) / name) if self._bucket is None else f"{self.path}/{name}"

    def located(self, name: str) -> tuple[str | None, str | None, S3Object | None]:
        """Where a file is that was written here: its path, or its bucket and object."""
        if self._bucket is None:
            return self.path_of(name), None, None
        return None, self._bucket.name, self._put[name]

    def own(self, purpose: str) -> SharedFolder:
        """A new folder in it, which no other call has; whether one can write to it is known at once."""
        made = SharedFolder(self.path_of(f"{purpose}-{uuid.uuid4().hex[:12]}"))
        with made.writing(MARKER) as path:
            path.write_bytes(b"")
        return made

    @contextmanager
    def lent(self, purpose: str) -> Iterator[SharedFolder]:
        """As `own`, and removed at the end."""
        made = self.own(purpose)
        try:
            yield made
        finally:
            made.remove()

    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        if self._bucket is None:
            return not os.listdir(self.path)
        return not self._bucket.holds(self._key(""))

    def lacks(self, names: Iterable[str]) -> bool:
        """Whether files of a disk do not come to be seen: another machine may have written them to one of its own."""
        if self._bucket is not None:
            return False
        missing, start = [*names], time.monotonic()
        for interval in intervals(0.25):
            missing = [name for name in missing if not os.path.exists(self.path_of(name))]
            if not missing or time.monotonic() - start > PATIENCE_S:
                return bool(missing)
            time.sleep(interval)
        raise AssertionError("intervals never end")  # pragma: no cover

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path to write a file to, which is in the folder under its name once it is whole.

        It is for folders of one call: what a killed process leaves goes with them.
        """
        if self._bucket is None:
            beside = Path(self.path) / f".{os.getpid()}-{uuid.uuid4().hex[:8]}-{name}"
            with disk_errors(beside):
                try:
                    yield beside
                    os.replace(beside, self.path_of(name))
                except FileNotFoundError:
                    if os.path.isdir(self.path):
                        raise
                    raise _gone(self.path) from None
                finally:
                    beside.unlink(missing_ok=True)
            return
        with scratched("shared") as folder, disk_errors(folder):
            yield folder / name
            self._put[name] = self._bucket.put(folder / name, self._key(name))
            if self._may_go:
                self._undo_if_gone(self._bucket, name)

    @contextmanager
    def publishing(self, name: str) -> Iterator[Path]:
        """As `writing`, for a folder of the user's: a file is replaced, and what a killed process left removed."""
        with file_at(self.path_of(name), overwrite=True) if self._bucket is None else self.writing(name) as path:
            yield path

    @contextmanager
    def publishing_folder(self, name: str) -> Iterator[Path]:
        """As `publishing`, for a folder; in a bucket its files come one after the other."""
        if self._bucket is None:
            with folder_at(self.path_of(name), overwrite=True) as beside:
                yield beside
            return
        with scratched("shared") as folder, disk_errors(folder):
            yield folder
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            keys = [self._key(f"{name}/{path.relative_to(folder).as_posix()}") for path in files]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self._bucket.put, files, keys))

    @contextmanager
    def reading(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Paths to read files from.

        Raises
        ------
        ReadError, NotFoundError
            Where one of them is gone.
        """
        if self._bucket is None:
            try:
                yield [Path(self.path) / name for name in names]
            except FileNotFoundError as problem:
                raise ReadError(
                    f"{str(problem.filename or problem)!r} is gone, or this process does not see it."
                ) from None
            return
        with scratched("shared") as folder:
            paths = [folder / f"{place:06}" for place in range(len(names))]
            if names:
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    items = list(pool.map(self._bucket.head, map(self._key, names)))
                self._bucket.fetch(items, paths, progress=False)
            yield paths

    def remove(self) -> None:
        """Remove a folder of one's own, and what workers may still write to it."""
        if self._bucket is None:
            for _ in range(3):  # a worker may have written between the listing and the end
                shutil.rmtree(self.path, ignore_errors=True)
            return
        try:
            self._bucket.remove([self._key(MARKER)])  # first: what is put after the listing is undone
            self._bucket.remove([item.key for item in self._bucket.below(self._key(""))])
        except LabellerrError as problem:  # who may write may not always remove
            warn(f"{self.path} was not removed: {problem.message}", hint="remove it: it holds labels")

    def _undo_if_gone(self, bucket: Bucket, name: str) -> None:
        try:
            bucket.head(self._key(MARKER))
        except NotFoundError:
            bucket.remove([self._key(name)])
            raise NotFoundError(f"{self.path} was removed meanwhile.") from None

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


def _gone(path: str) -> DiskError:
    return DiskError(
        f"the folder {path!r} is gone, or a worker does not see it: it must be on a disk that all workers see, or in "
        "S3."
    )
