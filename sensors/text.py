"""Words for people: one gettext catalogue, Vietnamese first; the identifiers are the English sentences."""

import gettext
from collections.abc import Callable
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


@lru_cache(maxsize=len(LANGUAGES))
def _load(code: str) -> Translate:
    try:
        return gettext.translation("commune", _LOCALE, [code]).gettext
    except OSError:
        file = _LOCALE / code / "LC_MESSAGES" / "commune.mo"
        raise CatalogueMissing(
            f"{file} is missing: the catalogues are compiled when commune is built"
        ) from None
