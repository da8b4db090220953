"""Kafka without Faust: topics, their sizes, and whether a broker answers."""
