"""Brings a spool of an older version to this one, in one transaction: a power cut leaves one or the other."""

import logging
import sqlite3
from importlib.resources import files
from pathlib import Path

from gateway.spool.errors import DamageError
from gateway.spool.rows import INSERT, OLD_TABLES, Row, select_old, upgraded

log = logging.getLogger(__name__)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Give version 1's tables of streams and gaps their times, which nobody knows of what is in them.

    Raises DamageError when a row is not what was written, sqlite3.Error when the disk does not take it; then
    nothing has changed.
    """
    tables = _create_statements()
    db.execute("BEGIN IMMEDIATE")
    try:
        for table in OLD_TABLES:
            rows = [_upgraded(table, row) for row in db.execute(f"{select_old(table)} ORDER BY rowid")]
            db.execute(f"DROP TABLE {table}")
            db.execute(tables[table])
            db.executemany(INSERT[table], rows)
        db.execute("PRAGMA user_version = 2")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    log.info("%s: brought from version 1 to version 2", path)


def _upgraded(table: str, row: Row) -> Row:
    newer = upgraded(table, row)
    if newer is None:
        raise DamageError(f"a row of its table {table} is not what version 1 wrote: {row}"[:200])
    return newer


def _create_statements() -> dict[str, str]:
    schema = files("gateway.spool").joinpath("schema.sql").read_text()
    statements = [each.strip() for each in schema.split(";")]
    return {each.split()[2]: each for each in statements if each.startswith("CREATE TABLE")}
