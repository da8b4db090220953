"""What is freed goes back to the system, also from between things that stay."""

import subprocess
import sys
import textwrap

SCRIPT = textwrap.dedent("""
    import resource
    from pathlib import Path
    import numpy as np
    from stream_app.worker.freed_memory import return_large_arrays

    def resident_mib():
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20

    return_large_arrays()
    for _ in range(3):
        np.ones(30 * 2**20, np.uint8)  # glibc learns from it to keep what is smaller
    before = resident_mib()
    arrays, staying = [], []
    for _ in range(100):
        arrays.append(np.ones(2**21, np.uint8))
        staying.append(np.ones(2**14, np.uint8))
    held = resident_mib() - before
    del arrays
    print(held, resident_mib() - before)
""")


def test_large_arrays_go_back_from_between_small_ones_that_stay() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    held, left = map(float, ran.stdout.split())
    assert held > 150
    assert left < 20
