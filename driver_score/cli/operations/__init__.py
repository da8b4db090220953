"""Commands of who runs the service: Kafka's topics and states, Druid, dashboards, alerts, the local stack."""
