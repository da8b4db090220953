"""Kafka records into what the core takes: events or trip results, and rejects with their reasons.

``decoding`` is the way of trip events: a kernel for valid messages, ``strict_decoding`` for all others, ``local_time``
for events without a UTC offset. ``trip_results`` is the way of the internal topic.
"""
