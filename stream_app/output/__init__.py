"""Messages onto Kafka, confirmed: ``outputs`` for readers, ``changelog`` for the worker's own tables.

Both stop the worker when the broker does not accept a message (``errors``), before offsets are committed.
"""
