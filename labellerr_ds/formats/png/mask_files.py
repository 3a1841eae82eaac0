"""Which file a mask belongs to."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.png.mask_folders import UUID, Folders
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import LIST_STATE, ListState


class MaskFiles:
    """The files that the masks belong to, each once."""

    def __init__(self, files: pd.DataFrame | None, issues: IssueLog, folders: Folders) -> None:
        self.known, self.issues, self._folders = files, issues, folders
        self.ids: list[str] = []
        self.states: list[ListState] = []  # FOUND for a file with a mask that has pixels, or cannot be read
        self._rows: list[dict[str, Any]] = []
        self._place: dict[str, int] = {}
        self._stems: dict[str, list[int]] = {}
        self._base_stems: dict[str, list[int]] = {}  # of names with folders
        self._by_id: dict[str, int] = {}
        if files is not None:
            for missing in {"file_id", "file_name"} - set(files.columns):
                raise ReadError(f"files must be a files frame; missing column: {missing!r}.")
            for row, (file_id, name) in enumerate(zip(files["file_id"], files["file_name"], strict=True)):
                self._by_id[file_id] = row
                stem = str(name).rsplit(".", 1)[0]
                self._stems.setdefault(stem, []).append(row)
                if "/" in stem:
                    self._base_stems.setdefault(stem.rpartition("/")[2], []).append(row)

    def place(self, path: str, size_wh: tuple[int, int] | None, mode: str | None) -> int:
        """The row of the file that a mask belongs to."""
        stem = PurePosixPath(path).name.rsplit(".", 1)[0]
        name = self._folders.stems[path]
        row = self._row(stem, name, path)
        file_id = self._id(stem, name) if row is None else str(self.known["file_id"].iloc[row])  # type: ignore[index]
        if file_id not in self._place:
            self._place[file_id] = len(self.ids)
            self.ids.append(file_id)
            self.states.append(ListState.EMPTY)
            facts = {} if row is None else self.known.iloc[row].to_dict()  # type: ignore[union-attr]
            facts = {key: value for key, value in facts.items() if not pd.isna(value)}
            self._rows.append(
                {
                    "file_name": name + self._folders.endings.get(stem, ""),
                    **facts,
                    "file_id": file_id,
                    "paths": [],
                    "mode": None,
                }
            )
        position = self._place[file_id]
        mine = self._rows[position]
        mine["paths"].append(path)
        if size_wh is not None:
            size = (mine.get("width"), mine.get("height"))
            if size != (None, None) and size != size_wh:
                self.issues.add(
                    "size_mismatch", "files", file_id, position,
                    f"mask {path} is {size_wh[0]} x {size_wh[1]} pixels, its file {size[0]} x {size[1]}.",
                )  # fmt: skip
            mine["width"], mine["height"] = mine.get("width", size_wh[0]), mine.get("height", size_wh[1])
            mine["mode"] = mode
        return position

    def _row(self, stem: str, name: str, path: str) -> int | None:
        if self.known is None:
            return None
        if stem in self._by_id:
            return self._by_id[stem]
        rows = self._stems.get(name, []) or self._base_stems.get(name, [])
        if len(rows) == 1:
            return rows[0]
        if (ending := stem.rsplit("_", 1)[-1]) in self._by_id:
            return self._by_id[ending]
        rows = rows or self._stems.get(stem, [])  # masks of one name in several folders are not told apart by it
        what = "no file" if not rows else "no single file" if len(rows) == 1 else f"{len(rows)} files"
        self.issues.add("unmatched_mask", "files", stem, None, f"mask {path} belongs to {what} of files=.", "warning")
        return None

    @staticmethod
    def _id(stem: str, name: str) -> str:
        match = UUID.search(stem)
        return match[1] if match else name

    def columns(self) -> dict[str, Any]:
        """The columns of `files`; all masks must be there."""
        columns: dict[str, Any] = {}
        for column in schema.TABLES["files"]:
            if column.name not in schema.RECORDED_FILE_COLUMNS:
                continue
            if column.kind == "time":
                times = [row.get(column.name, pd.NaT) for row in self._rows]
                columns[column.name] = pd.DatetimeIndex(times, tz="UTC").array
            else:
                columns[column.name] = [row.get(column.name) for row in self._rows]
        extras = [
            {"mask_path": row["paths"][0] if len(row["paths"]) == 1 else row["paths"], "mode": row["mode"]}
            for row in self._rows
        ]
        columns["extra"] = list(map(json_text, extras))
        columns[LIST_STATE] = self.states
        return columns
