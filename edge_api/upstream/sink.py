"""The seam between the relay and a database: one body in, confirmed or an error that says what to do."""

from typing import Protocol


class Sink(Protocol):
    """Something that takes gzipped line protocol in nanoseconds."""

    def write(self, body: bytes, lane: str = "live") -> None:
        """Return when the upstream has confirmed the body; else raise UpstreamError.

        `lane` is that of the least urgent reading in it: a parent edge may ask a backlog to wait.
        """

    def connections(self) -> int:
        """Return how many connections have been made so far: a new one may mean a new server process."""

    def close(self) -> None:
        """Close the connections."""
