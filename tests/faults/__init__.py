"""Faults on the whole path, with real processes: what is taken must be in the database, once."""
