"""Kafka records into event columns and rejects."""
