"""The demo: a whole commune on one machine, from the sensors to the province, with real parts in between."""
