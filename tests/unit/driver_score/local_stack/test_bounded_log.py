"""Logs of servers that run on by themselves."""

import sys
from pathlib import Path

import pytest

from driver_score.local_stack import bounded_log
from driver_score.local_stack.server_process import ServerFailedError, ServerProcess
from tests.support.servers.brokers import PATIENCE_S, wait_until

LINES = 200
MAX_BYTES = 1000


class Talker(ServerProcess):
    """Says much, and ends."""

    def answers(self) -> bool:
        return False

    def _command(self) -> list[str]:
        return [sys.executable, "-c", f"for n in range({LINES}): print('line', n)\nraise SystemExit(3)"]


def test_the_log_of_a_server_that_runs_on_is_bounded_and_has_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_log, "MAX_LOG_BYTES", MAX_BYTES)
    log_path = tmp_path / "logs" / "talker.log"
    talker = Talker("talker", log_path, start_timeout_s=PATIENCE_S)
    talker.spawn(detached=True)

    with pytest.raises(ServerFailedError, match=rf"(?s)ended with status 3.*line {LINES - 2}\nline {LINES - 1}$"):
        wait_until(talker.has_started, "it has ended")

    logs = [log_path, log_path.with_name("talker.log.1")]
    kept = [line for log in reversed(logs) for line in log.read_text().splitlines()]
    assert kept == [f"line {n}" for n in range(LINES - len(kept), LINES)], "the newest, without a gap"
    assert [log for log in logs if log.stat().st_size > MAX_BYTES] == []
    assert sorted(log_path.parent.iterdir()) == logs
    talker.stop()


def test_a_log_goes_on_after_what_is_there(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("before\n")
    bounded_log.keep(["after\n", "no end of line"], str(log), MAX_BYTES)
    assert log.read_text() == "before\nafter\nno end of line\n"
