"""What a sensor puts on its lines, files and buses when the world is so and so, faults included."""
