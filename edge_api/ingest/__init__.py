"""The ways in: MQTT from nodes, the InfluxDB write API from other edges and from anyone who speaks it."""
