"""What Druid shall do for one installation: the files, with its names, addresses and counts filled in."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from druid_specs.specs.check import check_supervisor
from druid_specs.specs.files import SPECS_DIR, read_specs


@dataclass(frozen=True)
class Installation:
    """What differs between installations.

    Attributes
    ----------
    consumer_properties
        How Druid's tasks reach Kafka: ``bootstrap.servers`` and what else a consumer needs.
    topic_prefix, data_source_prefix
        Before each name.
    task_count
        Tasks that share the partitions of a topic.
    replicas
        Copies of each task, on different machines.
    """

    consumer_properties: dict[str, Any] = field(repr=False)
    topic_prefix: str = ""
    data_source_prefix: str = ""
    task_count: int = 1
    replicas: int = 1


@dataclass(frozen=True)
class DataSource:
    """What Druid shall do for one data source, in Druid's form.

    Attributes
    ----------
    name
        With the prefix.
    topic
        Where its rows come from, with the prefix.
    is_rolled_up
        Whether rows of messages are added up.
    supervisor, rules, compaction
        What is posted.
    """

    name: str
    topic: str
    is_rolled_up: bool
    supervisor: dict[str, Any]
    rules: list[dict[str, Any]]
    compaction: dict[str, Any]


def desired_data_sources(installation: Installation, specs_dir: Path = SPECS_DIR) -> list[DataSource]:
    """Read the specs, hold them against the messages, and fill in what is of this installation.

    Raises
    ------
    SpecFileError
        If the files can't be read.
    SpecMismatchError
        If a spec does not match the messages.
    """
    desired = []
    for files in read_specs(specs_dir):
        check_supervisor(files.supervisor, str(files.supervisor_path))
        name = installation.data_source_prefix + files.name
        supervisor = _filled_in(files.supervisor, installation, name)
        desired.append(
            DataSource(
                name,
                supervisor["spec"]["ioConfig"]["topic"],
                bool(supervisor["spec"]["dataSchema"]["granularitySpec"]["rollup"]),
                supervisor,
                files.rules,
                {**files.compaction, "dataSource": name},
            )
        )
    return desired


def _filled_in(supervisor: dict[str, Any], installation: Installation, name: str) -> dict[str, Any]:
    filled = copy.deepcopy(supervisor)
    filled["spec"]["dataSchema"]["dataSource"] = name
    filled["spec"]["ioConfig"] |= {
        "topic": installation.topic_prefix + filled["spec"]["ioConfig"]["topic"],
        "consumerProperties": installation.consumer_properties,
        "taskCount": installation.task_count,
        "replicas": installation.replicas,
    }
    return filled
