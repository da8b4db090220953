"""Metrics of Druid's ingestion for Prometheus: ``driver-score exporter`` serves them.

``druid_collector`` asks Druid and Kafka whenever Prometheus scrapes; it holds nothing between two scrapes.
"""

from driver_score.exporter.druid_collector import DruidCollector, exporter_registry

__all__ = ["DruidCollector", "exporter_registry"]
