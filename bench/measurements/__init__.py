"""The measurements of the benchmark, one per module."""
