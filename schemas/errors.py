"""The root of all errors, here since every other package may import the contracts."""


class DriverScoreError(Exception):
    """Root of all errors that are raised on purpose; the command line prints its message as one line."""
