"""Opens a spool's file or makes one, and tells a damaged file from one that only cannot be used now."""

import os
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from gateway.spool.errors import DamageError, SpoolError
from gateway.spool.migrate import migrate
from gateway.spool.wal import damage_in

VERSION = 2
PAGE = 1024
"""Bytes of a page of a new spool. A commit of a few readings writes one or two pages, whatever their size, so
small ones spare the card; a file that was made with others keeps them."""
PAGES = (PAGE, 4096)
"""The sizes that spools have been made with."""
_WAL_LIMIT_BYTES = 4_000_000
_CHECKED_BYTES = 200_000_000  # SQLite looks a file of this size through in 0.2 s once it has been read
MAGIC = b"SQLite format 3\0"
_WAL_HEADER = 32
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_UNREADABLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
COMPANIONS = ("-wal", "-shm")
IN_USE = "-in-use"  # is beside the file from its first commit to its closing: then there is a log, too


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to the spool's file."""
    return path.with_name(path.name + suffix)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite complains of what it read, not of a disk that takes nothing or a lock."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python's own word about a text
        return "UTF-8" in str(error)
    return code & 0xFF in _CORRUPT or code in _UNREADABLE


def open_file(path: Path) -> sqlite3.Connection:
    """Open a spool's file for writing, made when there is none.

    Raises DamageError when it has to be salvaged, SpoolError when it is newer or cannot be used for now.
    """
    new = _check_beside(path)
    try:
        if new:
            _make(path)
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            _set_up(db, path)
        except BaseException:
            db.close()
            raise
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise DamageError(str(error)) from error
        raise SpoolError(f"{path}: cannot be opened as a spool: {error}") from error
    return db


def _set_up(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise SpoolError(
            f"{path}: made by a newer version ({version} > {VERSION});"
            " upgrade this one, or move the file away"
        )
    if version < 1:
        raise DamageError(f"it says that it is of version {version}, and there is none such")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    # Debian's SQLite writes zeros over all that is deleted, and by the log each page a second time. Readings
    # that have been delivered are no secret, and a card does not forget what is overwritten anyway.
    db.execute("PRAGMA secure_delete = OFF").fetchall()
    db.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    (page,) = db.execute("PRAGMA page_size").fetchone()
    db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_LIMIT_BYTES // page}")
    if path.stat().st_size < _CHECKED_BYTES:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise DamageError(found)
    if version < VERSION:
        migrate(db, path)


def _make(path: Path) -> None:
    """Make a new file elsewhere and bring it here whole: a power cut leaves all of it or nothing."""
    new = beside(path, ".making")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new, isolation_level=None)) as db:
        make_tables(db)
    put_in_place(new, path)
    sync_folder(path.parent.parent)


def put_in_place(new: Path, path: Path) -> None:
    """Give a whole file its name, durably."""
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.rename(path)
    sync_folder(path.parent)


def make_tables(db: sqlite3.Connection) -> None:
    """Make the tables in an empty file, which nobody needs before it is put in its place."""
    for setting in (
        f"page_size = {PAGE}",
        "auto_vacuum = INCREMENTAL",
        "journal_mode = OFF",
        "synchronous = OFF",
    ):
        db.execute(f"PRAGMA {setting}").fetchall()
    schema = files("gateway.spool").joinpath("schema.sql").read_text()
    db.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on disk: a new file is not there after a power cut before that."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_beside(path: Path) -> bool:
    """Return whether there is no file yet; raise DamageError for what SQLite would quietly overwrite."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_size == 0:
            if beside(path, IN_USE).exists() or _holds_frames(beside(path, "-wal")):
                raise DamageError("it is empty, and was not")
            return True
        # A log of no bytes may be our own doing: a full disk gets it back that way.
        if beside(path, IN_USE).exists() and not beside(path, "-wal").exists():
            raise DamageError("its write-ahead log is gone")
        wrong = damage_in(beside(path, "-wal"))
        if wrong:
            raise DamageError(wrong)
        if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
            raise DamageError("it cannot be read and written")
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise DamageError(str(error)) from error
    if magic != MAGIC:
        raise DamageError("it does not begin as a database does")
    return False


def _holds_frames(wal: Path) -> bool:
    return wal.exists() and wal.stat().st_size > _WAL_HEADER
