"""The physics of bins, water works, lamps and the sky: truth, before any sensor looks at it."""
