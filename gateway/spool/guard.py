"""One place where every question to the spool's file passes, so that damage is never just one failed call."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.spool import salvage
from gateway.spool.errors import DamageError, SpoolError, is_want_of_space
from gateway.spool.file import IN_USE, beside, is_damage, open_file, sync_folder
from gateway.spool.lock import Lock
from gateway.spool.rows import INSERT, SELECT, Row, intact, sealed

log = logging.getLogger(__name__)

_NOT_NOW = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


class GuardedFile:
    """The file of a spool: one writer, one reader, and the small facts kept with it.

    A damaged file is salvaged when it is opened. Damage that shows later, in the file's own structure, cannot
    be mended under way: `problem` says it, the `alarms` are called, and the next start salvages.
    """

    def __init__(self, path: Path, *, by_seq: bool) -> None:
        self.path = path
        self.by_seq = by_seq
        self.lock = threading.RLock()
        self.problem: str | None = None
        self.alarms: list[Callable[[], None]] = []
        self._read_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._ready = False
        self._held = Lock(path)
        try:
            self._start()
        except BaseException:
            self._held.release()
            raise

    def _start(self) -> None:
        try:
            salvage.finish(self.path)
        except OSError as error:
            raise SpoolError(f"{self.path}: cannot be opened as a spool: {error}") from error
        try:
            self._open(salvage.marked(self.path))
        except DamageError as damage:
            salvage.salvage(self.path, str(damage), by_seq=self.by_seq)
            self._open()
        self._ready = True
        self.note_if_room({"opened": str(int(self.note("opened", "0")) + 1)})
        self._say_in_use()

    def _say_in_use(self) -> None:
        try:
            if beside(self.path, "-wal").exists():
                beside(self.path, IN_USE).touch()
                sync_folder(self.path.parent)
        except OSError as error:
            if not is_want_of_space(error):
                raise SpoolError(f"{self.path}: cannot be opened as a spool: {error}") from error
            log.error("%s: that it is in use cannot be noted beside it: %s", self.path, error)  # noqa: TRY400

    def _open(self, why: str | None = None) -> None:
        if why:
            raise DamageError(why)
        self._writer = open_file(self.path)
        try:
            self._reader = sqlite3.connect(self.path, check_same_thread=False)
            self._reader.execute("PRAGMA query_only = ON")
            self._recall()
        except (DamageError, ValueError, sqlite3.Error) as error:
            self.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_NOW:
                raise SpoolError(f"{self.path}: cannot be opened as a spool: {error}") from error
            raise DamageError(str(error)) from error

    def _recall(self) -> None:
        """Bring back what is known; what cannot be right raises DamageError, ValueError or sqlite3.Error."""
        self._believed("note")
        self._believed("progress")

    def _believed(self, table: str) -> list[Row]:
        rows = [tuple(row) for row in self.query(SELECT[table])]
        for row in rows:
            if not intact(table, row):
                raise DamageError(f"a row of its table {table} is not what was written: {row}"[:200])
        return rows

    def condemn(self, why: str) -> None:
        """Say that the file itself is damaged: the process must end, and its next start salvages the file."""
        if self._ready and self.problem is None:
            self.problem = f"{self.path}: damaged ({why}); what can be read is saved at the next start"
            log.critical("%s", self.problem)
            try:
                salvage.mark(self.path, why)
            except OSError:
                log.exception("and that cannot even be noted beside it")
            for alarm in self.alarms:
                alarm()

    def query(self, sql: str, arguments: Sequence[object] = ()) -> list[Any]:
        """Ask the file something, beside the writer."""
        try:
            with self._read_lock:
                if self._reader is None:
                    raise sqlite3.ProgrammingError("the spool is closed")
                with closing(self._reader.execute(sql, arguments)) as cursor:
                    return cursor.fetchall()
        except sqlite3.DatabaseError as error:
            self._noticed(error)
            raise

    @property
    def writer(self) -> sqlite3.Connection:
        """Return the one connection that writes; hold the lock to use it."""
        if self._writer is None:
            raise sqlite3.ProgrammingError("the spool is closed")
        return self._writer

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE .. COMMIT, rolled back when anything in between fails."""
        db = self.writer
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except BaseException as error:
            if isinstance(error, sqlite3.Error):
                self._noticed(error)
            if db.in_transaction:  # a full disk may have rolled back by itself
                db.execute("ROLLBACK")
            raise

    def _noticed(self, error: sqlite3.Error) -> None:
        if is_damage(error):
            self.condemn(str(error))

    def note(self, key: str, default: str = "") -> str:
        """Return a small fact kept with the spool."""
        rows = self.query("SELECT value FROM note WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else default

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Keep small facts, durably."""
        with self.lock, self._transaction() as db:
            write_notes(db, notes)

    def note_if_room(self, notes: Mapping[str, str]) -> None:
        """Keep small facts that a start can do without: a full disk keeps no daemon down."""
        try:
            self.set_notes(notes)
        except sqlite3.Error as error:
            if not is_want_of_space(error):
                raise
            log.error("%s: not noted: %s; %s", self.path, ", ".join(notes), error)  # noqa: TRY400

    def close(self) -> None:
        """Close the file; what is in it stays."""
        with self.lock, self._read_lock:
            if self._ready and self._writer is not None:
                beside(self.path, IN_USE).unlink(missing_ok=True)
                sync_folder(self.path.parent)
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None
            if self._ready:
                self._held.release()


def write_notes(db: sqlite3.Connection, notes: Mapping[str, str]) -> None:
    """Write small facts within a transaction."""
    db.executemany(INSERT["note"], [sealed("note", *note) for note in notes.items()])
