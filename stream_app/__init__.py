"""The Faust application around the core, and the command line ``driver-score``."""
