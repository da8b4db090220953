"""Benchmarks: how many events a second the worker keeps up with, next to stock Faust on the same machine."""
