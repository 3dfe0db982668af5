"""The errors of the spool's file: what nobody can use, and what is not what was written."""


class SpoolError(Exception):
    """The spool's file cannot be used; the message says what to do."""


class DamageError(Exception):
    """The file, or a row of it, is not what was once written; the message says what was seen."""
