"""The open trips of a partition, as columns."""
