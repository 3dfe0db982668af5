"""One file a chip or meter: its Config, its metrics, how to open, read and close it."""
