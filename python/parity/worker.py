"""The torch worker for the fixtures' weights: the package's own, with the widths that tiny models narrow."""

from mixcache_worker.main import main
from tiny import narrow  # noqa: F401

if __name__ == "__main__":
    main()
