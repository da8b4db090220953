"""SQL on Druid through pydruid, with Druid's own typed parameters.

pydruid writes parameters into the text of the statement and waits for an answer without end. Here they travel
beside the statement, so that a value can't become SQL, and every request has a deadline.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import requests
from pydruid.db.api import Connection, Cursor
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from druid_specs.client import reason_of
from druid_specs.errors import DruidUnavailableError, QueryRefusedError

SqlType = Literal["VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMP"]

SQL_PATH: Final = "/druid/v2/sql"

_CONNECT_RETRIES: Final = Retry(connect=2, read=0, status=0, other=0, backoff_factor=0.2)
"""A router that restarts is back soon; a query that was taken is never sent twice."""


@dataclass(frozen=True)
class SqlParameter:
    """One parameter of a statement; a value of ``None`` is SQL's NULL."""

    type: SqlType
    value: str | int | float | None


@dataclass(frozen=True)
class QueryResult:
    """Rows of a query and the names of their columns, which are there without rows as well."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class ParameterCursor(Cursor):
    """A pydruid cursor whose parameters are Druid's."""

    def __init__(self, connection: "DruidConnection") -> None:
        super().__init__(connection.url, connection.user, connection.password, connection.context, header=True)
        self._connection = connection
        self._parameters: Sequence[SqlParameter] = ()

    def execute(self, operation: str, parameters: Sequence[SqlParameter] = ()) -> "ParameterCursor":
        """Run a statement; each ``?`` takes the parameter at its place.

        Raises
        ------
        QueryRefusedError
            If Druid refuses the statement.
        DruidUnavailableError
            If Druid does not answer in time.
        """
        self._parameters = parameters
        super().execute(operation)
        return self

    def _stream_query(self, query: str) -> Iterator[tuple[Any, ...]]:
        self.column_names: tuple[str, ...] = ()
        answer = self._connection.post(
            {
                "query": query,
                "context": self.context,
                "resultFormat": "array",
                "header": True,
                "parameters": [{"type": given.type, "value": given.value} for given in self._parameters],
            }
        )
        try:
            header, *rows = answer.json()
        except (ValueError, TypeError) as error:
            raise QueryRefusedError("the answer is truncated, or not from Druid") from error
        self.column_names = tuple(header)
        self.description = [(name, None, None, None, None, None, True) for name in header]
        yield tuple(header)
        yield from map(tuple, rows)


class DruidConnection(Connection):
    """A pydruid connection by URL, with a deadline for each query.

    Parameters
    ----------
    url
        Of the router (or a broker): ``http://127.0.0.1:8888``.
    user, password
        For basic authentication, if Druid requires it.
    timeout_s
        Timeout of a query, also in Druid.
    """

    def __init__(
        self, url: str, *, user: str | None = None, password: str | None = None, timeout_s: float = 60.0
    ) -> None:
        super().__init__(user=user, password=password, context={"timeout": int(timeout_s * 1000)}, header=True)
        self.url = url.rstrip("/") + SQL_PATH
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # neither proxies nor a password of ~/.netrc
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_CONNECT_RETRIES))
        if user is not None:
            self._session.auth = (user, password or "")

    def cursor(self) -> ParameterCursor:
        """Return a new cursor."""
        return ParameterCursor(self)

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """Close the connection; open cursors return no more rows."""
        super().close()
        self._session.close()

    def query(self, statement: str, parameters: Sequence[SqlParameter] = ()) -> QueryResult:
        """Run a statement and return all its rows; see `ParameterCursor.execute`."""
        cursor = self.cursor().execute(statement, parameters)
        return QueryResult(cursor.column_names, cursor.fetchall())

    def post(self, payload: dict[str, Any]) -> requests.Response:
        """Send a query; see `ParameterCursor.execute`."""
        try:
            # Druid's own timeout comes first, with a better message.
            answer = self._session.post(self.url, json=payload, timeout=(5.0, self._timeout_s + 5.0))
        except requests.RequestException as error:
            raise DruidUnavailableError(self.url.removesuffix(SQL_PATH), cause=type(error).__name__) from error
        if not answer.ok:
            raise QueryRefusedError(reason_of(answer))
        return answer
