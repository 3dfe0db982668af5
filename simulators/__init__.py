"""Worlds, signals and faults that stand in for hardware, and the demo. Knows every room; none knows it."""
