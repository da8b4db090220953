"""Kafka's own command-line tools, as an operator runs them: what ``kafka-topics.sh`` and the like start."""

import subprocess
from typing import Final

from driver_score.local_stack.programs import fetch_jars, program

_CLASSES: Final = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
}


def kafka_tool(name: str, bootstrap: str, *options: str) -> str:
    """Run a tool of Kafka, and return what it prints."""
    done = subprocess.run(
        [
            program("java"), "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{fetch_jars('kafka')}/*",
            _CLASSES[name], "--bootstrap-server", bootstrap, *options,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout, done.stdout
    return done.stdout
