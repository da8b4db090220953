"""What goes wrong between Druid and us."""

from collections.abc import Sequence

from schemas.errors import DriverScoreError


class DruidUnavailableError(DriverScoreError):
    """No Druid answers at the address."""

    def __init__(self, url: str, *, cause: str) -> None:
        super().__init__(
            f"no Druid answers at {url} ({cause}). Check that it runs and that DRIVER_SCORE_DRUID__URL names its "
            "router; `driver-score stack up` starts one here."
        )


class DruidRefusedError(DriverScoreError):
    """Druid answers, and does not do what it was asked."""

    def __init__(self, request: str, status: int, reason: str) -> None:
        remedy = {
            401: "Check DRIVER_SCORE_DRUID__USERNAME and DRIVER_SCORE_DRUID__PASSWORD",
            403: "Give the user of DRIVER_SCORE_DRUID__USERNAME the right to do this",
            503: "It may still be starting: try again in a minute",
        }.get(status, "Druid's logs tell more")
        super().__init__(f"Druid refused {request} with status {status}: {reason}. {remedy}.")


class SpecMismatchError(DriverScoreError):
    """A spec does not match the messages that it is for.

    Parameters
    ----------
    source
        File of the spec, or the data source's name.
    column
        The first column that is wrong.
    problem
        What is wrong with it.
    """

    def __init__(self, source: str, column: str, problem: str) -> None:
        self.column = column
        super().__init__(
            f"{source}: column {column!r} {problem}. Nothing was changed in Druid. Correct the spec, or write the "
            "shipped ones anew with `python -m druid_specs.files`."
        )


class SpecFileError(DriverScoreError):
    """A file of specs can't be read."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. The shipped ones are written by `python -m druid_specs.files`.")


class QueryRefusedError(DriverScoreError):
    """Druid can't answer a SQL query."""

    def __init__(self, problem: str) -> None:
        remedy = "Druid's logs tell more"
        if "not found" in problem:
            remedy = "Data sources appear with their first row: run `driver-score druid apply` and send events"
        super().__init__(f"Druid can't answer the query: {problem.rstrip('.')}. {remedy}.")


class UnknownQueryError(DriverScoreError):
    """There is no named query of that name."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(f"there is no query {name!r}; there are {', '.join(names)}.")


class QueryOptionError(DriverScoreError):
    """An option of a named query has a value that can't work."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"--{option} {problem}.")
