"""What was there, said of a message: an English sentence with its facts, and the same in Vietnamese."""

from typing import Self

from sensors.text import translator


class Said(str):
    """A sentence as plain English text, which also knows what it was made of."""

    __slots__ = ("facts", "sentence")
    sentence: str
    facts: dict[str, object]

    def __new__(cls, sentence: str, **facts: object) -> Self:
        """Fill the sentence's places."""
        made = super().__new__(cls, sentence.format(**facts))
        made.sentence, made.facts = sentence, facts
        return made

    def say(self, lang: str) -> str:
        """Return it in one of `sensors.text.LANGUAGES`; facts that are sentences themselves go along."""
        facts = {name: say(fact, lang) for name, fact in self.facts.items()}
        return translator(lang)(self.sentence).format(**facts)


def say(what: object, lang: str) -> object:
    """Return a sentence in a language, and anything else as it is: a value, or words of a library."""
    return what.say(lang) if isinstance(what, Said) else what


def marked(text: str) -> str:
    """Mark a sentence for the catalogue; import it as `_`."""
    return text
