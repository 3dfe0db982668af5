"""What kind of trouble a link has, as a word that a page says in any language: an officer reads no errno."""

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Literal, get_args

from urllib3.exceptions import HTTPError, NameResolutionError, ProtocolError
from urllib3.exceptions import SSLError as PoolSSLError
from urllib3.exceptions import TimeoutError as PoolTimeout

__all__ = ["TROUBLES", "Trouble", "of_exception", "of_status"]

Trouble = Literal[
    "no-network",  # this machine has none
    "no-name",  # the upstream's name leads nowhere
    "closed",  # its machine is there, its service is not
    "silent",  # no answer in time
    "cut",  # a connection broke off
    "certificate",  # no secure connection: theirs or ours is not trusted, or has ended
    "not-let-in",  # 401, 403
    "no-place",  # 404
    "not-a-database",  # a login page, or something else that answers
    "refused",  # some lines, for good
    "too-large",  # 413
    "busy",  # 429, 503: asked to wait
    "sick",  # 5xx
    "unexpected",  # nothing that was foreseen
]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)

_STATUS: dict[int, Trouble] = {
    400: "refused",
    401: "not-let-in",
    403: "not-let-in",
    404: "no-place",
    413: "too-large",
    422: "refused",
    429: "busy",
    503: "busy",
}
_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


def of_status(status: int) -> Trouble:
    """Return what an HTTP status other than 204 means."""
    if 200 <= status < 400:
        return "not-a-database"
    return _STATUS.get(status, "sick" if status >= 500 else "unexpected")


def of_exception(error: BaseException) -> Trouble:
    """Return what a failed connection means: libraries wrap the cause, and any layer may name it."""
    layers = list(_layers(error))
    found = next((each for each in map(_of_cause, layers) if each), None)
    if found:
        return found
    # Broad kinds come last: a refused connection is a ConnectionError too.
    if any(isinstance(each, TimeoutError | PoolTimeout) for each in layers):
        return "silent"
    if any(isinstance(each, ConnectionError | ProtocolError) for each in layers):
        return "cut"
    return "silent" if any(isinstance(each, OSError | HTTPError) for each in layers) else "unexpected"


def _of_cause(error: BaseException) -> Trouble | None:
    if isinstance(error, socket.gaierror | NameResolutionError):
        return "no-name"
    if isinstance(error, ssl.SSLError | PoolSSLError):
        return "certificate"
    if isinstance(error, ConnectionRefusedError):
        return "closed"
    if isinstance(error, OSError) and error.errno in _NO_NETWORK:
        return "no-network"
    return None


def _layers(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was made from."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [it for it in inner if isinstance(it, BaseException)]
