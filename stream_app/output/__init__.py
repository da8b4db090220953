"""Scores, alerts, features and rejects onto Kafka, and rows onto changelogs."""
