"""Because pace and order show on the way: a line that notes what the parent takes of whom, and when."""

import re
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import NamedTuple, Self

import urllib3

from edge_api.api.view import LANE_HEADER

_COMMUNE = re.compile(rb",commune=([0-9]{5}),")
BURST_S = 2.0  # of the rate, as a parent saves it up
COMMIT_S = 0.5  # between the grant, which counts, and the answer, which is seen here
_TIMEOUT = urllib3.Timeout(connect=2.0, read=30.0)


class Taken(NamedTuple):
    """A body that the parent confirmed: when (monotonic s), of which lane and commune, and its bytes.

    `age_s` is how old its last reading was by then.
    """

    at: float
    lane: str
    commune: str
    size: int
    age_s: float


class Lanes:
    """A proxy before an edge; `taken` is all that the edge has confirmed, in order."""

    def __init__(self, edge: str) -> None:
        self.taken: list[Taken] = []
        pool = urllib3.PoolManager(maxsize=100, retries=False, timeout=_TIMEOUT)
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept = {name: value for name, value in self.headers.items() if name != "Host"}
                try:
                    answer = pool.request("POST", f"http://{edge}{self.path}", body=body, headers=kept)
                except urllib3.exceptions.HTTPError:
                    self.close_connection = True  # as a line does whose other end is dead
                    return
                if answer.status == 204:
                    text = zlib.decompress(body, 31)
                    at_s = int(text.rsplit(b" ", 1)[1]) / 1e9
                    (commune,) = set(_COMMUNE.findall(text))
                    age_s = time.time() - at_s
                    taken.append(
                        Taken(time.monotonic(), self.headers[LANE_HEADER], commune.decode(), len(body), age_s)
                    )
                self.send_response(answer.status)
                for name in ("Content-Type", "Retry-After"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                self.wfile.write(answer.data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Drain(NamedTuple):
    """What was taken `since` an absence, body by body, and what of it had waited.

    `news` are the bodies of new readings taken from communes whose backlog still waited; `silence_s` is the
    longest time that one of these said nothing new, `age_s` how old such news were at most.
    """

    since: list[Taken]
    backlog: list[Taken]
    communes: int
    news: int
    silence_s: float
    age_s: float

    @property
    def seconds(self) -> float:
        return self.backlog[-1].at - self.backlog[0].at

    def above(self, rate: int) -> int:
        """By how many bytes any stretch that ends with a backlog's body had more than is granted.

        What is new is always taken, and uses up what backlogs would have got. Two seconds of the rate are
        saved up in a silence; a body that is larger is paid for afterwards. Negative for less than granted.
        """
        largest = max(each.size for each in self.backlog)
        found = []
        for first, begin in enumerate(self.since):
            total = 0
            for each in self.since[first:]:
                total += each.size
                if each.lane == "backlog":
                    seconds = each.at - begin.at + BURST_S + COMMIT_S
                    found.append(total - largest - rate * seconds)
        return round(max(found))

    def facts(self) -> dict[str, float]:
        return {
            "backlog_s": round(self.seconds, 1),
            "backlog_bytes": sum(each.size for each in self.backlog),
            "backlog_bodies": len(self.backlog),
            "live_bytes_per_s": round(
                sum(each.size for each in self.since if each.lane == "live")
                / max(self.since[-1].at - self.since[0].at, 1)
            ),
            "news": self.news,
            "longest_silence_s": round(self.silence_s, 2),
            "oldest_news_s": round(self.age_s, 2),
        }


def drain_of(taken: list[Taken], back: float) -> Drain:
    """Return what the bodies taken since `back` (monotonic s) say of the drain."""
    since = [each for each in taken if each.at >= back]
    backlog = [each for each in since if each.lane == "backlog"]
    assert backlog, "nothing waited"
    silences, news = [0.0], []
    communes = {each.commune for each in backlog}
    over = max(each.at for each in since if each.lane == "live")  # the load ends, and with it what is new
    for commune in communes:
        its = [each for each in since if each.commune == commune]
        ends = min(over, max(each.at for each in its if each.lane == "backlog"))
        own = [each for each in its if each.lane == "live" and each.at <= ends]
        times = [its[0].at, *(each.at for each in own), ends]
        silences += [later - earlier for earlier, later in pairwise(times)]
        news += own
    oldest_s = max((each.age_s for each in news), default=0.0)
    return Drain(since, backlog, len(communes), len(news), max(silences), oldest_s)
