"""Metrics, logs, lag and health of a worker."""
