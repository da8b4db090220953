"""The measurements of the benchmark, one a module."""
