"""Which processes are the stack's, and how they are stopped."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from driver_score.local_stack.records import ProcessRecord, stop_processes


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_a_process_stays_ours_when_the_clock_is_set() -> None:
    ours = ProcessRecord.of(os.getpid())
    assert ours.process() is not None
    assert ProcessRecord(ours.pid, ours.created_s + 3).process() is not None


def test_a_reused_process_id_is_not_ours() -> None:
    ours = ProcessRecord.of(os.getpid())
    assert ProcessRecord(ours.pid, ours.created_s - 3600).process() is None
    assert ProcessRecord(2**22 + 1, 0.0).process() is None


def test_a_process_that_has_just_ended_by_itself_does_not_keep_the_others_running(
    child: subprocess.Popen[bytes],
) -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as short:
        ended = psutil.Process(short.pid)
        short.communicate()
    stop_processes([ended, psutil.Process(child.pid)])
    assert not psutil.pid_exists(child.pid)
