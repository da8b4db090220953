"""Settings of every component, one model each."""
