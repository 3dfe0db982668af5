"""A small SQLite file beside the spool: opened, made where it is missing, set aside when it is broken."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

log = logging.getLogger(__name__)

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})


class WrongVersion(sqlite3.DatabaseError):
    """The tables are those of another version of the program."""


def open_database(
    path: Path, room: str, *, version: int, synchronous: str, cache_kib: int, busy_s: float = 5.0
) -> sqlite3.Connection:
    """Open a file and make what its room's schema.sql has and it has not; one caller at a time may use it.

    Raises sqlite3.Error, WrongVersion for a file of another version.
    """
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            f"cache_size = -{cache_kib}",
            "secure_delete = OFF",  # Debian's default writes all that is deleted a second time, as zeros
        ):
            db.execute(f"PRAGMA {pragma}").fetchall()
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found not in {0, version}:
            raise WrongVersion(f"tables of version {found}")  # noqa: TRY301
        schema = files(room).joinpath("schema.sql").read_text()
        db.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def open_sound(path: Path, what: str, opened: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    """Open a file; set a damaged one aside and begin a new one. `what` is in it, for the log.

    Raises sqlite3.Error, and OSError when it cannot be renamed.
    """
    try:
        return opened()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
    set_aside(path, what)
    return opened()


def set_aside(path: Path, what: str) -> None:
    """Move a damaged file out of the way, keep it for a look, and say so."""
    aside = move_aside(path)
    log.error("%s: %s is damaged; set aside as %s, a new one is begun", what, path, aside)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write all of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def move_aside(path: Path) -> str:
    """Rename a damaged database and what belongs to it, for a look; return its new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside.name


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is broken, rather than full, locked or not reachable."""
    if isinstance(error, WrongVersion):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _DAMAGE:
        return True
    return "no such table" in str(error) or "no such column" in str(error)
