"""Other implementations of the worker's job, to compare with."""
