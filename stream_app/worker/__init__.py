"""The worker: agents, wiring, start and stop."""
