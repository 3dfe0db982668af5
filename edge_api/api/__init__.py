"""The edge's HTTP side: thin routers over an EdgeView, which the wiring provides."""
