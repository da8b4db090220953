"""What Apache Druid does with the output topics, and the clients that set it up and query it.

``supervisors``, ``retention`` and ``compaction`` are specs as files; ``desired`` combines them with an `Installation`,
``apply`` changes Druid accordingly, ``status`` compares what was published with what can be queried.
``queries`` has SQL files, which ``named_queries`` runs over a `DruidConnection`.
"""

from druid_specs.apply import Change, plan_changes, plan_first_rows
from druid_specs.client import DruidClient
from druid_specs.errors import (
    DruidRefusedError,
    DruidUnavailableError,
    QueryOptionError,
    QueryRefusedError,
    UnknownQueryError,
)
from druid_specs.from_settings import data_sources, druid_client
from druid_specs.named_queries import NamedQuery, ParameterValue, named_query, option_name, query_names
from druid_specs.specs.desired import DataSource, Installation, desired_data_sources
from druid_specs.sql_connection import DruidConnection, QueryResult, SqlParameter
from druid_specs.status import IngestionStatus, ingestion_status
from druid_specs.trip_rows import latest, trip_rows

__all__ = [
    "Change",
    "DataSource",
    "DruidClient",
    "DruidConnection",
    "DruidRefusedError",
    "DruidUnavailableError",
    "IngestionStatus",
    "Installation",
    "NamedQuery",
    "ParameterValue",
    "QueryOptionError",
    "QueryRefusedError",
    "QueryResult",
    "SqlParameter",
    "UnknownQueryError",
    "data_sources",
    "desired_data_sources",
    "druid_client",
    "ingestion_status",
    "latest",
    "named_query",
    "option_name",
    "plan_changes",
    "plan_first_rows",
    "query_names",
    "trip_rows",
]
