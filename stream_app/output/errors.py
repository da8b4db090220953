"""What goes wrong when outputs are delivered."""

from schemas.errors import DriverScoreError


class DeliveryError(DriverScoreError):
    """Kafka did not confirm messages."""

    def __init__(self, count: int, topic: str, reason: str) -> None:
        super().__init__(
            f"{count} messages were not delivered, the first to {topic}: {reason}. Check the broker. The worker stops "
            "before it commits offsets, and publishes them again when it is restarted."
        )
