"""The old place of `NativeKafka`, for what still imports it from here."""

from stream_app.stack.kafka import NativeKafka

__all__ = ["NativeKafka"]
