"""A check as people read it: a value with its unit, its quality in words, a finding in two sentences."""

from collections.abc import Iterator, Mapping

from gateway.check.look import RAW, Looked
from gateway.feed.desk import Checked, Measured, Told
from gateway.feed.words import METRICS
from sensors.figures import DECIMALS, UNITS, number, short
from sensors.findings import Fact, Finding, say
from sensors.reasons import REASONS
from sensors.reasons import sentence as reason_sentence
from sensors.sample import Quality, Sample, Value
from sensors.text import translator


def _(text: str) -> str:
    return text


QUALITY = {"good": _("good"), "uncertain": _("uncertain"), "bad": _("bad")}
STATES = {True: _("active"), False: _("at rest")}
SWITCHED = {True: _("on"), False: _("off")}
SO = {True: _("yes"), False: _("no")}


def checked(looked: Looked, lang: str) -> Checked:
    """Put a look into the words of the desk, in one of `sensors.text.LANGUAGES`."""
    place = looked.place
    units = {metric.key: metric.unit for metric in looked.metrics}
    return Checked(
        place.device,
        place.driver,
        place.bus,
        looked.quality.word,
        [measured(sample, units.get(sample.metric, "C62"), lang) for sample in looked.samples],
        [told(finding, lang) for finding in looked.findings],
    )


def told(finding: Finding, lang: str) -> Told:
    """Put a finding into words."""
    facts = dict(finding.facts)
    known = {"metric": METRICS, "reason": {code: reason.sentence for code, reason in REASONS.items()}}
    named = {name: _named(value, known.get(name, {}), lang) for name, value in facts.items()}
    if "in" in facts and isinstance(facts["value"], (int, float)):
        named["value"] = _said(facts["value"], str(facts["in"]), lang)
    wrong, look = say(Finding(finding.code, finding.where, **named), lang)
    return Told(finding.code, finding.severity.word, wrong, look, finding.where, facts)


def _said(value: float, unit: str, lang: str) -> str:
    if unit == RAW:
        return translator(lang)(_("raw {number}")).format(number=short(value, lang))
    return value_text(value, unit, lang)


def _named(value: Fact, words: Mapping[str, str], lang: str) -> Fact:
    return translator(lang)(words[value]) if isinstance(value, str) and value in words else value


def sentences(each: Checked, lang: str) -> Iterator[tuple[str, str]]:
    """Yield mark and text of each line about a device: what it reads, or what is wrong and where to look."""
    translate = translator(lang)
    good = [value.text for value in each.measured if value.quality == "good"]
    if not each.told:
        yield "✓", f"{each.device}: {' · '.join(good) or '-'} ({translate(QUALITY[each.quality])})"
        return
    weights = [finding.severity for finding in each.told]
    if each.quality == "bad" and "bad" not in weights:
        weights[0] = "bad"  # the value is lost, whatever its finding weighs
    for number_, finding in enumerate(each.told):
        mark = "✗" if weights[number_] == "bad" else "!"
        yield mark, f"{each.device}: {finding.wrong}" if number_ == 0 else finding.wrong
        yield "→", finding.look
    seen = [value.text for value in each.measured if value.value is not None]
    if seen:
        yield " ", " · ".join(seen)


def measured(sample: Sample, unit: str, lang: str) -> Measured:
    """Put a sample into words."""
    translate = translator(lang)
    name = translate(METRICS[sample.metric]) if sample.metric in METRICS else sample.metric
    if sample.value is None:
        text = f"{name}: {translate(reason_sentence(sample.reason))}"
    elif sample.metric == "active":
        text = value_text(sample.value, unit, lang)
    elif isinstance(sample.value, bool):
        switch = sample.metric in ("on", "commanded")
        said = translate((SWITCHED if switch else SO)[sample.value])
        text = f"{name} {said}" if switch else f"{name}: {said}"
    else:
        text = f"{name} {value_text(sample.value, unit, lang)}"
    if sample.quality is Quality.UNCERTAIN:
        text += f" ({translate(QUALITY['uncertain'])}: {translate(reason_sentence(sample.reason))})"
    return Measured(sample.metric, unit, sample.quality.word, text, sample.value, sample.reason, sample.raw)


def value_text(value: Value, unit: str, lang: str) -> str:
    """Write a value with its unit."""
    if isinstance(value, bool):
        return translator(lang)(STATES[value])
    if isinstance(value, str):
        return value
    if unit == "C62":  # a count or a share has no unit, and no decimals that say nothing
        return short(value, lang)
    decimals = None if isinstance(value, int) else DECIMALS.get(unit)
    return f"{number(value, lang, decimals)} {UNITS.get(unit, unit)}".rstrip()
