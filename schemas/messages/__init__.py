"""The messages of every topic."""
