"""The states of a relay, by the names that API, page and metrics show."""

from enum import Enum


class State(Enum):
    """What a relay is doing; shown as it is in the API."""

    IDLE = "idle"
    """Everything has been confirmed."""
    SENDING = "sending"
    """Segments are on their way."""
    RETRYING = "retrying"
    """The upstream does not answer, or not now: backing off."""
    HOLDING = "holding"
    """The upstream does not let us in: a person must act."""
