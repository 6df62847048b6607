"""The real torch worker, with random weights: python bench/gpu/worker.py --weights <folder of configs> …"""

import paths  # noqa: F401
from mixcache_worker.main import main
from random_folder import RandomFolder

if __name__ == "__main__":
    main(make_folder=RandomFolder)
