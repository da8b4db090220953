"""The servers of the local stack, a file per server; `EmbeddedBroker` takes Kafka's place in the demo."""
