"""Training, export, validation and card of a model."""
