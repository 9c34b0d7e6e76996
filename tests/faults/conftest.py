"""Makes the package `campaign` in this folder importable, as it is for the script `soak.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
