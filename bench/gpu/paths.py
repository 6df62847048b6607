"""Makes the repository's Python packages importable from a checkout; to be imported first."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python" / name) for name in ("models", "worker", "export")]
