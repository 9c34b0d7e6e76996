"""The bench of the messaging core runs: its figures are no test's business, that there are any is."""

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent / "messaging.py"
MISSED = 1


def test_every_measurement_of_the_messaging_bench_still_works():
    quick = subprocess.run([sys.executable, BENCH, "--quick"], check=False, capture_output=True, text=True, timeout=240)
    assert quick.returncode in (0, MISSED), quick.stderr
    for measurement in ("hops", "projecting", "visibility", "scaling", "redelivery", "leaks"):
        assert f"\n{measurement}: " in f"\n{quick.stdout}", quick.stdout + quick.stderr
    assert not quick.stderr
