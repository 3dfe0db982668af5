"""Benchmarks: how fast the data path is, beside what a reader would otherwise have used."""
