"""An export that is under way: a folder beside the output, and in it what is finished.

A unit is finished when its files are on the disk; only then the journal, replaced as a whole, names it. Whatever ends
the process in between, the same command goes on after the last finished unit.
"""

import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path

from mixcache_models.program import ModelError

JOURNAL, LOCK = "journal.json", "lock"


class Journal:
    """Of one output; `request` says what is being made, as plain JSON, with the weights' digest under "weights"."""

    def __init__(self, output: Path, request: dict, restart: bool = False):
        """@throws ModelError where another export is at work, or one of something else was begun."""
        self.output, self.folder = output, output.with_name(f"{output.name}.partial")
        self.request, self.units, self.states = json.loads(json.dumps(request)), {}, None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = lock(self.folder / LOCK)
        if restart:
            self.clear()
        path = self.folder / JOURNAL
        if path.exists():
            self.resume(read(path, self.folder))
        self.sweep()

    def resume(self, found: dict) -> None:
        begun = found["request"]
        if begun["weights"] != self.request["weights"]:
            raise ModelError(
                f"{self.folder} is an export of other weights that was not finished. Finish that one, give another "
                "--output, or add --restart to begin anew."
            )
        changed = sorted(key for key in {*begun, *self.request} if begun.get(key) != self.request.get(key))
        if changed:
            raise ModelError(
                f"{self.folder} is an export with other settings ({', '.join(changed)}) that was not finished. Use "
                "those, give another --output, or add --restart to begin anew."
            )
        self.units, self.states = found["units"], found["states"]

    def sweep(self) -> None:
        """Removes what belongs to no finished unit."""
        kept = {JOURNAL, LOCK, self.states, *(name for files in self.units.values() for name in files)}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()

    def clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink()

    def finish(self, unit: str, paths: list[Path], save_states) -> None:
        """Notes a unit's files; `save_states(path)` writes what the self-check must know to go on."""
        files = {path.name: describe(path) for path in paths}
        states = f"states-{len(self.units) + 1}.safetensors"
        save_states(self.folder / states)
        for name in [*files, states]:
            sync(self.folder / name)
        before, self.units, self.states = self.states, self.units | {unit: files}, states
        written = json.dumps({"request": self.request, "units": self.units, "states": states}, indent=1)
        (self.folder / f"{JOURNAL}.tmp").write_text(written)
        sync(self.folder / f"{JOURNAL}.tmp")
        os.replace(self.folder / f"{JOURNAL}.tmp", self.folder / JOURNAL)
        sync(self.folder)
        if before is not None:
            (self.folder / before).unlink()

    @property
    def files(self) -> dict[str, dict]:
        """All finished files with sizes and digests."""
        return dict(sorted((name, entry) for files in self.units.values() for name, entry in files.items()))

    def publish(self) -> None:
        """Gives the folder the output's name."""
        for name in (self.states, JOURNAL, LOCK):
            if name is not None:
                (self.folder / name).unlink(missing_ok=True)
        for path in self.folder.iterdir():
            sync(path)
        sync(self.folder)
        os.rename(self.folder, self.output)
        sync(self.output.parent)
        self.lock.close()

    def discard(self) -> None:
        """Leaves nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()

    def abandon(self) -> None:
        """Leaves what is finished for the next attempt, and nothing where nothing is."""
        if self.units:
            self.lock.close()
        else:
            self.discard()


def read(path: Path, folder: Path) -> dict:
    try:
        found = json.loads(path.read_text())
        for name, entry in ((n, e) for files in found["units"].values() for n, e in files.items()):
            if (folder / name).stat().st_size != entry["bytes"]:
                raise ValueError(name)
        return found
    except (ValueError, KeyError, OSError):
        raise ModelError(f"{folder} is damaged. Add --restart to begin anew.") from None


def lock(path: Path):
    """An open file whose lock ends with the process, however that ends."""
    stream = path.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise ModelError(f"Another export is writing to {path.parent}. Wait for it, or give another --output.") from None
    return stream


def describe(path: Path) -> dict:
    """Size and digest."""
    with path.open("rb") as stream:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def sync(path: Path) -> None:
    """To the disk, a folder's names included."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
