"""Others that do the worker's job, to compare with."""
