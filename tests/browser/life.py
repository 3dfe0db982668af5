"""What happens to a commune's link: readings that never came, a line refused above, a backlog that waits."""
# ruff: noqa: E501 line protocol reads better on one line

import secrets
import time

from gateway.spool.segment import Gap, Refused
from tests.browser.stage import Stage
from tests.browser.village import COMMUNE, MINUTE_NS, PROVINCE

PIECES, A_PIECE = 20, 1000


def backlog(at: Stage) -> None:
    """Commit 20,000 readings; random ones, so that they do not shrink to nothing on the way."""
    now = time.time_ns() // 10**6 * 10**6
    line = 'm,asset=x{},commune={},domain=water,province={} a="{}",gw="gw-9",ep="cc",seq={}i {}'
    for piece in range(PIECES):
        numbers = range(piece * A_PIECE, piece * A_PIECE + A_PIECE)
        at.publish(
            line.format(n % 7, COMMUNE, PROVINCE, secrets.token_hex(24), n + 1, now - n * 10**6)
            for n in numbers
        )


def owe(at: Stage) -> None:
    """Know of readings that will never come, for two reasons; and have one line refused for good."""
    now = time.time_ns() // 10**6 * 10**6
    stream = ("gw-02", "b41c7e")
    lost = [
        Gap(stream, 1_204, 1_371, "quota"),
        Gap.of_time(stream, "power", now - 131 * MINUTE_NS, now - 64 * MINUTE_NS),
    ]
    at.edge.spool.append([], gaps=lost, wall_ns=now)
    line = (
        f'WaterQualityObserved,asset=quality-01,commune={COMMUNE},domain=water,province={PROVINCE} turbidity="0.84",'
        f'q="good",gw="gw-02",ep="b41c7e",seq=1402i {now}'
    )
    reason = "field turbidity is text here, and was a number in all readings before"
    at.edge.spool.quarantine([Refused("province", "", reason, line.encode())], now)
