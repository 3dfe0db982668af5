"""Words for people: one gettext catalogue, Vietnamese first; the identifiers are the English sentences."""

import errno
import gettext
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from sensors.errors import SensorError

LANGUAGES = ("vi", "en")
DEFAULT = "vi"

_LOCALE = Path(__file__).parent / "locale"

Translate = Callable[[str], str]


class CatalogueMissing(SensorError, LookupError):  # noqa: N818 - reads as the sentence it is
    """A compiled catalogue is not where the build puts it; falling back to English would hide that."""


def language(wanted: str | None) -> str:
    """Return the language to use for a wish such as en, en-GB or None: Vietnamese unless we have it."""
    code = (wanted or "").lower().replace("_", "-").partition("-")[0]
    return code if code in LANGUAGES else DEFAULT


def translator(wanted: str | None = None) -> Translate:
    """Return what turns English sentences into the language wanted; raise CatalogueMissing."""
    return _load(language(wanted))


_spoken: ContextVar[str] = ContextVar("spoken", default="en")


@contextmanager
def speaking(wanted: str | None) -> Iterator[None]:
    """Have `said` speak a person's language meanwhile, in this thread; else it is English, as logs are."""
    before = _spoken.get()
    _spoken.set(language(wanted))
    try:
        yield
    finally:
        _spoken.set(before)


def said(sentence: str, **values: object) -> str:
    """Return a sentence with its values in the language of whoever is spoken to; English to nobody.

    For errors: they are made where they are found, far from whoever knows the language. The sentence must
    stand in the call, as a text, for the catalogue. Raises CatalogueMissing.
    """
    code = _spoken.get()
    return (sentence if code == "en" else translator(code)(sentence)).format(**values)


def why(error: OSError) -> str:
    """Return what the system says of a failure, in the language of `said` where we have it."""
    known = {
        errno.ENOENT: said("No such file or directory"),
        errno.EACCES: said("Permission denied"),
        errno.EISDIR: said("Is a directory"),
        errno.ECONNREFUSED: said("Connection refused"),
    }
    return known.get(error.errno or 0) or error.strerror or str(error)


@lru_cache(maxsize=len(LANGUAGES))
def _load(code: str) -> Translate:
    try:
        return gettext.translation("commune", _LOCALE, [code]).gettext
    except OSError:
        file = _LOCALE / code / "LC_MESSAGES" / "commune.mo"
        raise CatalogueMissing(
            f"{file} is missing: the catalogues are compiled when commune is built"
        ) from None
