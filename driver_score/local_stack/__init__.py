"""Servers of the pipeline as plain processes on loopback: one file a server, for tests and machines without Docker."""
