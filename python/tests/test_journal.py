"""An export goes on where it was, and only where that is right."""

import json
from pathlib import Path

import pytest
from mixcache_export.journal import Journal
from mixcache_models.program import ModelError

REQUEST = {"weights": "a" * 64, "variants": []}


def finish(journal: Journal, unit: str) -> None:
    path = journal.folder / f"{unit}.onnx"
    path.write_text(unit)
    journal.finish(unit, [path], lambda states: states.write_text("states"))


def left(journal: Journal) -> None:
    """As a process that is killed leaves it: only the lock ends."""
    journal.lock.close()


def test_finished_units_are_kept_and_half_ones_removed(tmp_path: Path):
    first = Journal(tmp_path / "bundle", REQUEST)
    finish(first, "front")
    (first.folder / "head.onnx").write_text("half of")
    left(first)
    again = Journal(tmp_path / "bundle", REQUEST)
    assert list(again.units) == ["front"]
    assert sorted(again.files) == ["front.onnx"]
    assert not (again.folder / "head.onnx").exists()
    finish(again, "head")
    again.publish()
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == ["front.onnx", "head.onnx"]
    assert not again.folder.exists()


def test_other_weights_and_other_settings_are_refused_until_restart(tmp_path: Path):
    first = Journal(tmp_path / "bundle", REQUEST)
    finish(first, "front")
    left(first)
    with pytest.raises(ModelError, match="other weights"):
        Journal(tmp_path / "bundle", REQUEST | {"weights": "b" * 64})
    with pytest.raises(ModelError, match=r"other settings \(variants\)"):
        Journal(tmp_path / "bundle", REQUEST | {"variants": ["fp16"]})
    assert list(Journal(tmp_path / "bundle", REQUEST | {"weights": "b" * 64}, restart=True).units) == []


def test_one_export_at_a_time(tmp_path: Path):
    first = Journal(tmp_path / "bundle", REQUEST)
    with pytest.raises(ModelError, match="Another export"):
        Journal(tmp_path / "bundle", REQUEST)
    first.discard()
    Journal(tmp_path / "bundle", REQUEST)


@pytest.mark.parametrize("spoil", ["{", json.dumps({"request": REQUEST}), None])
def test_a_damaged_journal_says_how_to_begin_anew(tmp_path: Path, spoil: str | None):
    first = Journal(tmp_path / "bundle", REQUEST)
    finish(first, "front")
    left(first)
    if spoil is None:
        (first.folder / "front.onnx").write_text("shorter or longer")
    else:
        (first.folder / "journal.json").write_text(spoil)
    with pytest.raises(ModelError, match="--restart"):
        Journal(tmp_path / "bundle", REQUEST)
