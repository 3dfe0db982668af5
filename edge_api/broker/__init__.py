"""Mosquitto's files, from edge.toml: who may connect, who may say what, what goes to the province."""
