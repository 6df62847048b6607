"""What the tests share: the packages' paths, and tiny Wans in diffusers' form."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[1]
for part in ("models", "export", "parity", "worker"):
    sys.path.insert(0, str(PYTHON / part))

import torch  # noqa: E402
from tiny.wan import tiny_wan  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def wan_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test may change."""
    folder = tmp_path_factory.mktemp("source") / "tiny-wan"
    tiny_wan(layers=1).save_pretrained(folder)
    return folder


@pytest.fixture
def wan(wan_source: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(wan_source, tmp_path / "tiny-wan"))


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `mixcache-export` and gives what it says as it exits; "" where it succeeds."""
    from mixcache_export.__main__ import main

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["mixcache-export", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return str(end.code)
        return ""

    return run


@pytest.fixture
def few_units(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Exports become those of some units only: tracing takes seconds for each."""
    from mixcache_export import export

    def keep(*names: str) -> None:
        whole = export.units
        monkeypatch.setattr(export, "units", lambda *a: [unit for unit in whole(*a) if unit.name in names])

    return keep
