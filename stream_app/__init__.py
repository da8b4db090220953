"""The Faust application around the core: from Kafka records to published scores.

An event goes down its rooms and never back: ``faust_bridge`` (batches of records), ``ingest`` (events and rejects),
the core in ``scoring``, ``output`` (messages and changelog rows), ``state`` (owned partitions and checkpoints).
``worker`` holds the agents that call them; ``kafka`` and ``telemetry`` serve all of them.
"""
