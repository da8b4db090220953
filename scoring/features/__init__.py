"""Features of windows and trips, computed event by event, the same for stream, training and files.

Read in this order: ``thresholds`` (what counts as hard, fast, idle), ``trip_state`` (what is kept of an open
trip), ``kinematics``, ``hard_events``, ``exposure`` (what one more sample changes), ``aggregates`` (sums of a
window, how they merge, which features they give), ``windows`` (which scores are emitted when), ``update`` (a frame
of events into states and emitted features) and ``batch`` (whole trips at once).
"""
