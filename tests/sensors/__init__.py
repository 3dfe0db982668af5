"""Tests of the sensors' room."""
