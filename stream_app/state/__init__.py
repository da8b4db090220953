"""The trip states of owned partitions, and the checkpoints that store them."""
