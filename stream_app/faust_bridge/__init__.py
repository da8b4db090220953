"""The only importer of Faust and aiokafka.

Faust's consumer delivers batches of encoded records (``batch_consumer``, ``fetched_records``, ``frame_connection``);
``record_batch`` finds the records in them; ``batch_stream`` is what an agent consumes; ``app`` starts, stops and fails;
``tables`` are restored from changelogs; ``source_partitions`` and ``progress`` say how far the partitions are.
"""
