"""One serial line on which a sensor talks by itself: bytes that arrive when virtual time says so."""

GARBLE = 0x5A  # what a receiver at another speed makes of bytes: not them


class SerialLine:
    """The wire between a sensor and a port; `put` is the sensor's side, the rest is what a port offers."""

    def __init__(self, baud: int) -> None:
        """Let the sensor talk at `baud`."""
        self._baud = baud
        self._port_baud = 0
        self._bytes = bytearray()
        self.unplugged = False

    def take(self, baud: int) -> bool:
        """Open the port at a speed; say whether it was free."""
        if self._port_baud or self.unplugged:
            return False
        self._port_baud = baud
        self._bytes.clear()
        return True

    def put(self, data: bytes) -> None:
        """Send bytes; a port at another speed receives others, a closed one none."""
        if self._port_baud:
            same = self._port_baud == self._baud
            self._bytes += data if same else bytes(each ^ GARBLE for each in data)
            del self._bytes[:-4096]  # a kernel's buffer ends somewhere too

    @property
    def in_waiting(self) -> int:
        """How many bytes have come; raise OSError when the adapter was pulled out."""
        if self.unplugged:
            raise OSError(5, "the adapter was pulled out")
        return len(self._bytes)

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes that have come."""
        data = bytes(self._bytes[:size])
        del self._bytes[:size]
        return data

    def reset_input_buffer(self) -> None:
        """Forget what has come."""
        self._bytes.clear()

    def close(self) -> None:
        """Close the port."""
        self._port_baud = 0
