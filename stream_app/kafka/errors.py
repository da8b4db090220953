"""What goes wrong between us and Kafka."""

from schemas.errors import DriverScoreError


class BrokerUnavailableError(DriverScoreError):
    """No Kafka broker answers at the address."""

    def __init__(self, bootstrap: str, *, cause: str = "no answer") -> None:
        super().__init__(
            f"no Kafka broker answers at {bootstrap} ({cause}). Check that it runs and that "
            "DRIVER_SCORE_KAFKA__BOOTSTRAP names it; `driver-score demo` needs none."
        )


class TopicError(DriverScoreError):
    """A topic is missing, or is not as it must be."""

    def __init__(self, topic: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"topic {topic}: {problem}. {remedy}")
