"""The part of Druid's HTTP API that ingestion needs."""

from typing import Any, Final, Self
from urllib.parse import quote

import requests
from requests.auth import HTTPBasicAuth

from druid_specs.errors import DruidRefusedError, DruidUnavailableError

_SUPERVISOR: Final = "/druid/indexer/v1/supervisor"
_RULES: Final = "/druid/coordinator/v1/rules"
_COMPACTION: Final = "/druid/coordinator/v1/config/compaction"
_ALL_BUT_FIRST_ROW: Final = [
    "-146136543-09-08T08:23:32.096Z/1900-01-01T00:00:00.000Z",
    "1900-02-01T00:00:00.000Z/146140482-04-24T15:36:27.903Z",
]
"""Druid's ETERNITY interval, without the month of `druid_specs.specs.first_row`."""

_SHOWN_CHARACTERS: Final = 300


class DruidClient:
    """Client of the router, which forwards to the other services; a context manager.

    Parameters
    ----------
    url
        Of the router, such as ``http://127.0.0.1:8888``.
    credentials
        User and password of basic authentication; null without.
    timeout_s
        Timeout of a request.
    """

    def __init__(self, url: str, *, credentials: tuple[str, str] | None = None, timeout_s: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # neither proxies nor a password of ~/.netrc
        if credentials is not None:
            self._session.auth = HTTPBasicAuth(*credentials)

    def supervisor(self, data_source: str) -> dict[str, Any] | None:
        """Return the supervisor's spec as Druid completed it; null when there is none."""
        spec: dict[str, Any] | None = self._get(f"{_SUPERVISOR}/{quote(data_source)}")
        return spec

    def supervisor_status(self, data_source: str) -> dict[str, Any] | None:
        """Return the status of the supervisor and its tasks; null if there is none."""
        answer = self._get(f"{_SUPERVISOR}/{quote(data_source)}/status")
        return None if answer is None else answer["payload"]

    def supervisor_stats(self, data_source: str) -> dict[str, Any]:
        """Return the row counters of the supervisor's running tasks, by group and task."""
        return self._get(f"{_SUPERVISOR}/{quote(data_source)}/stats") or {}

    def post_supervisor(self, spec: dict[str, Any]) -> None:
        """Start a supervisor, or replace the one of the same data source; it continues from its offsets."""
        self._call("POST", _SUPERVISOR, spec)

    def terminate_supervisor(self, data_source: str) -> None:
        """End a supervisor; its tasks publish what they have."""
        self._call("POST", f"{_SUPERVISOR}/{quote(data_source)}/terminate")

    def rules(self, data_source: str) -> list[dict[str, Any]]:
        """Return the retention rules; empty if Druid's default rules apply."""
        return self._get(f"{_RULES}/{quote(data_source)}") or []

    def post_rules(self, data_source: str, rules: list[dict[str, Any]]) -> None:
        """Replace the retention rules."""
        self._call("POST", f"{_RULES}/{quote(data_source)}", rules)

    def compaction(self, data_source: str) -> dict[str, Any] | None:
        """Return the automatic compaction; null when there is none."""
        config: dict[str, Any] | None = self._get(f"{_COMPACTION}/{quote(data_source)}")
        return config

    def post_compaction(self, config: dict[str, Any]) -> None:
        """Replace the automatic compaction of a data source."""
        self._call("POST", _COMPACTION, config)

    def row_count(self, data_source: str) -> int:
        """Count the rows that can be queried now, without the first row; 0 for a data source that is not known."""
        query = {
            "queryType": "timeseries",
            "dataSource": data_source,
            "granularity": "all",
            "intervals": _ALL_BUT_FIRST_ROW,
            "aggregations": [{"type": "count", "name": "rows"}],
            "context": {"useCache": False, "populateCache": False},
        }
        answer = _content(self._call("POST", "/druid/v2", query))
        return int(answer[0]["result"]["rows"]) if answer else 0

    def is_known(self, data_source: str) -> bool:
        """Return whether SQL knows the data source, which it does once it has a row."""
        query = {
            "query": "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'druid' AND TABLE_NAME = ?",
            "parameters": [{"type": "VARCHAR", "value": data_source}],
        }
        return bool(_content(self._call("POST", "/druid/v2/sql", query)))

    def post_task(self, task: dict[str, Any]) -> None:
        """Start a task; it runs by itself."""
        self._call("POST", "/druid/indexer/v1/task", task)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get(self, path: str) -> Any:
        answer = self._call("GET", path, may_be_missing=True)
        return None if answer.status_code == requests.codes.not_found else _content(answer)

    def _call(self, method: str, path: str, body: Any = None, *, may_be_missing: bool = False) -> requests.Response:
        try:
            answer = self._session.request(method, self.url + path, json=body, timeout=self._timeout_s)
        except requests.RequestException as error:
            raise DruidUnavailableError(self.url, cause=type(error).__name__) from error
        if answer.ok or (may_be_missing and answer.status_code == requests.codes.not_found):
            return answer
        raise DruidRefusedError(f"{method} {path}", answer.status_code, reason_of(answer))


def _content(answer: requests.Response) -> Any:
    """Return the JSON of an answer; the page of another server, at a wrong address, is not JSON."""
    try:
        return answer.json()
    except ValueError as error:
        asked = f"{answer.request.method} {answer.request.path_url}"
        raise DruidRefusedError(asked, answer.status_code, "the answer is not JSON, as from another server") from error


def reason_of(answer: requests.Response) -> str:
    """Return Druid's error message on one line, or the HTTP status if there is none."""
    try:
        body = answer.json()
        text = body.get("errorMessage") or body.get("error") or answer.text
    except (ValueError, AttributeError):
        text = answer.text
    line = " ".join(str(text).split())
    return line[:_SHOWN_CHARACTERS] or f"HTTP status {answer.status_code}"
