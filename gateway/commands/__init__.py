"""Lamps: switched by the sun, and by commands where they are permitted; every command is written down."""

from gateway.commands.lights import Lights, Surroundings

__all__ = ["Lights", "Surroundings"]
