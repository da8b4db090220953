"""The command line ``driver-score``: a file per command, and ``main``, which prints an error as one line."""
