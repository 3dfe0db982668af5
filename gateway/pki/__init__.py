"""A province's own small certificate authority: who may speak on MQTT, and in whose name."""
