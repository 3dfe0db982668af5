"""The node: clock, schedule, spool, MQTT publisher, and the feed contract. Knows the sensors' room only."""
