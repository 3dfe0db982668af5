"""What the edge says of our numbers, believed only when it speaks of this spool and can be true."""

import logging
import sqlite3

from gateway.feed import Custody, FeedError
from gateway.feed.bodies import decode
from gateway.feed.link import Message
from gateway.renumber import go_on, number_again
from gateway.shown import Identity
from gateway.spool import Spool

log = logging.getLogger(__name__)


def confirmed(message: Message, identity: Identity, spool: Spool) -> int | None:
    """Return the number up to which the edge has everything; None when the message does not say that."""
    try:
        said = decode(message.payload, Custody)
    except FeedError as error:
        log.warning("%s: %s", message.topic, error)
        return None
    if (said.gw, said.ep) != (identity.gw, identity.ep):
        log.info("%s: custody of %s/%s is not ours; ignored", message.topic, said.gw, said.ep)
        return None
    try:
        go_on(spool, said.gw, said.ep)  # what is still under an old number is not what the edge has
        if said.seq > spool.last_id:
            number_again(spool, said.gw, said.ep, said.seq)
    except sqlite3.Error as error:
        log.error("the disk takes no new numbers: %s; custody will say it again", error)  # noqa: TRY400
        return None
    return said.seq
