"""The Faust application around the core: from Kafka records to published scores."""
