"""The pure core: trip features, model scoring, reasons and training. No Kafka, no HTTP, no environment."""
