"""Because benches of several rooms share a port's name, and one excuse that a test reads."""

PORT = "/dev/ttyUSB0"
NO_HANG = "the kernel answers from a file, at once or with an error"
