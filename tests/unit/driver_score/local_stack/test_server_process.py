import os
import signal
import sys
from pathlib import Path

import pytest

from driver_score.local_stack.server_process import ServerFailedError, ServerProcess

SCRIPT = "import signal; print('ready', flush=True); signal.pause()"


class Paused(ServerProcess):
    """Answers once it has said so, and waits for a signal."""

    def answers(self) -> bool:
        return "ready" in self.log_path.read_text()

    def _command(self) -> list[str]:
        return [sys.executable, "-c", SCRIPT]


def test_a_server_that_ends_after_its_start_is_noticed(tmp_path: Path) -> None:
    with Paused("the server", tmp_path / "server.log", start_timeout_s=30) as server:
        server.check_runs()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)

        with pytest.raises(ServerFailedError, match=r"(?s)the server ended with status -9\. .*ready"):
            server.check_runs()
