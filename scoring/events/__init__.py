"""Trip events as columns, and what the kernels that read and fold them share."""
