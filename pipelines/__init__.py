"""Orchestration: what runs over whole fleets of trips, outside the stream."""
