"""The errors of the spool's file: what nobody can use, what is not what was written, and a full disk."""

import errno
import sqlite3

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class SpoolError(Exception):
    """The spool's file cannot be used; the message says what to do."""


class DamageError(Exception):
    """The file, or a row of it, is not what was once written; the message says what was seen."""


def is_want_of_space(error: BaseException) -> bool:
    """Whether an error says that the disk is full."""
    if isinstance(error, OSError):
        return error.errno in _NO_SPACE
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
