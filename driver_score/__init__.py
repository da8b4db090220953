"""What people start: the command line, replay, demo, report, and the servers of a local stack."""
