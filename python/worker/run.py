"""Starts the torch worker from a checkout or an installed npm package: no pip install of our own packages is needed."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "models")]

from mixcache_worker.main import main  # noqa: E402

if __name__ == "__main__":
    main()
