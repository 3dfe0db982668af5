"""HTTP as uvicorn reads it by httptools, and a bound on what comes before a caller has said what it wants."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["WireProtocol"]

_MOST_HEAD_BYTES = 65_536  # and what came with the read in which the head began, at most 256 kB more


class WireProtocol(HttpToolsProtocol):
    """One connection. A head, or the trailer of a body, that does not end is answered 400."""

    _heard = 0  # bytes since something of the request was complete

    def data_received(self, data: bytes) -> None:
        """Take in what came; the parser itself would keep names and values of any length, for ever."""
        self._heard += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
        else:
            if self._heard > _MOST_HEAD_BYTES:
                self._refuse("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._heard = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body, whose bounds its reader knows."""
        self._heard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._heard = 0
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        """Whether the request is left alone here when it offers to go on in another protocol: each one is."""
        return True

    def _go_on_without(self, rest: bytes) -> None:
        """Answer who offers another protocol as if it had not: what follows the head is no body to httptools.

        Some clients offer HTTP/2 with each request. uvicorn's other reader takes no notice of it.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # it did not wait for an answer: it has to ask again
            return
        method = self.parser.get_method()
        version = self.parser.get_http_version().encode()
        fields = [name + b": " + value for name, value in self.headers]
        head = b"\r\n".join([b"%b %b HTTP/%b" % (method, self.url, version), *fields, b"", b""])
        from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - few need it

        self.connections.discard(self)
        reader = H11Protocol(self.config, self.server_state, self.app_state)
        reader.connection_made(self.transport)
        self.transport.set_protocol(reader)
        reader.data_received(head + rest)

    def _refuse(self, why: str) -> None:
        if not self.transport.is_closing():
            self.send_400_response(why)
