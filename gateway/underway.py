"""The calibrations under way at a node: a person and a device each, led by whoever asks step by step.

A device that is being calibrated gives no values meanwhile; a calibration that is forgotten is given up.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from gateway.calibrating import STEADY, Calibrating, find, others, targets
from gateway.check.checking import LIMIT_S, Visits
from gateway.check.words import measured
from gateway.config import NodeConfig
from gateway.device import Device
from gateway.feed import desk
from gateway.feed.desk import Answer, Ask, Calibrated, Done, Measured, Stepped
from gateway.judging import wall_ns
from sensors.calibration import Calibrations, Record
from sensors.calibration.procedures import Refused
from sensors.errors import ConfigError
from sensors.figures import number, short
from sensors.io import Clock
from sensors.sample import Sample
from sensors.text import translator

IDLE_S = 900.0  # a bucket fills in minutes, and the phone sleeps meanwhile
NS = 1_000_000_000


def _(text: str) -> str:
    return text


@dataclass(eq=False)
class Work:
    """One calibration under way."""

    steps: Calibrating
    by: str
    until_ns: int = 0
    seen: Measured | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Underway:
    """Leads calibrations by questions and answers, one a device. Safe from any thread."""

    def __init__(self, config: NodeConfig, visits: Visits, clock: Clock) -> None:
        self._config = config
        self._visits = visits
        self._clock = clock
        self._history = Calibrations(config.calibrations)
        self._works: dict[str, Work] = {}  # by device: a probe can be in one buffer only
        self._lock = threading.Lock()

    def targets(self) -> Iterator[desk.Target]:
        """Yield what can be calibrated, with the calibration that holds."""
        self._history.refresh()
        for target, name, serves in targets(self._config, self._visits.kinds):
            last = self._history.newest(target.of)
            at, by = (last.at, last.by) if last else ("", "")
            yield desk.Target(
                target.of, name, target.device, target.metric, target.unit, target.kind, at, by, tuple(serves)
            )

    def history(self, lang: str) -> Iterator[Calibrated]:
        """Yield all calibrations in the order in which they were made."""
        self._history.refresh()
        for record in self._history.records:
            yield calibrated(record, lang)

    def asked(self, ask: Ask) -> Iterator[Answer]:
        """Answer what the desk is asked about calibrations."""
        if ask.do == "calibrate":
            yield from self._calibrate(ask)
            return
        yield from self.targets() if ask.do == "targets" else self.history(ask.lang)
        yield Done()

    def _calibrate(self, ask: Ask) -> Iterator[Answer]:
        say = translator(ask.lang)
        try:
            yield from self._answer(ask)
        except Refused as refused:
            yield desk.Refused(refused.say(ask.lang))
        except ConfigError as error:
            yield desk.Refused(str(error), wrong=True)
        except TimeoutError:
            yield desk.Refused(say(_("The device hangs: switch it off and on, then try again.")))
        except OSError as error:
            yield desk.Refused(say(_("Not kept, the disk refuses: {error}")).format(error=error.strerror))

    def _answer(self, ask: Ask) -> Iterator[Answer]:
        if not ask.who.strip():
            raise Refused(_("Say who calibrates."))
        work = self._begin(ask) if ask.act == "start" else self._find(ask)
        with work.lock:
            if ask.act == "cancel":
                self._end(work)
            elif ask.act == "finish":
                yield from self._finish(work, ask)
            else:
                yield self._stands(work, ask, self._act(work, ask))
        yield Done()

    def _begin(self, ask: Ask) -> Work:
        target = find(self._config, self._visits.kinds, ask.target, ask.kind)
        with self._lock:
            before = self._held(target.device)
            if before is not None:
                _own(before, ask, self._clock)
                if before.steps.target == target and not ask.points:
                    return before  # a page that was loaded again goes on where it stood
            work = Work(Calibrating(target, ask.points), ask.who)
            self._works[target.device] = _prolonged(work, self._clock)
        return work

    def _find(self, ask: Ask) -> Work:
        with self._lock:
            held = [self._held(device) for device in tuple(self._works)]
            work = next((each for each in held if each and each.steps.target.of == ask.target), None)
            if work is None:
                raise Refused(_("No calibration of {of} is under way: start it."), of=ask.target or "?")
            _own(work, ask, self._clock)
            return _prolonged(work, self._clock)

    def _held(self, device: str) -> Work | None:
        """Return the calibration of a device, unless it has been forgotten."""
        work = self._works.get(device)
        if work is not None and self._clock.monotonic_ns() >= work.until_ns:
            del self._works[device]
            return None
        return work

    def _act(self, work: Work, ask: Ask) -> str:
        """Do it; return why the points cannot be right, empty when they can."""
        steps = work.steps
        if ask.act == "point" and ask.step in (None, steps.number):
            steps.take(ask.number)
            work.seen = None
        elif ask.act == "back":
            steps.back()
            work.seen = None
        if steps.step is None:
            return self._judged(work, ask)
        sample = self._visit(work, measuring=ask.act == "measure" and steps.step.wants == "measure")
        if sample is not None:
            steps.see(_number(sample))
            work.seen = measured(sample, steps.target.unit, ask.lang)
        return ""

    def _judged(self, work: Work, ask: Ask) -> str:
        """See that what was answered can be right; begin anew when it cannot."""
        try:
            self._records(work, ask)
        except Refused as refused:
            work.steps.again()
            return refused.say(ask.lang)
        return ""

    def _visit(self, work: Work, *, measuring: bool) -> Sample | None:
        target = work.steps.target

        def visited(device: Device) -> Sample | None:
            device.set_aside(work.until_ns)
            return device.measure()[target.metric] if measuring else None

        return self._visits.visit(target.device, visited, LIMIT_S)

    def _stands(self, work: Work, ask: Ask, refused: str) -> Stepped:
        steps, target, step, say = work.steps, work.steps.target, work.steps.step, translator(ask.lang)
        seen = work.seen or Measured(target.metric, target.unit, "good", "")
        stands = Stepped(
            of=target.of,
            kind=target.kind,
            device=target.device,
            metric=target.metric,
            by=work.by,
            number=min(steps.number, steps.count),
            count=steps.count,
            wants="finish" if step is None else step.wants,
            sentence=say(_("Keep it?")) if step is None else step.say(ask.lang),
            left_s=round((work.until_ns - self._clock.monotonic_ns()) / NS, 1),
            unit=target.unit if step is None else step.unit or target.unit,
            own=seen.value if isinstance(seen.value, float) else None,
            text=seen.text,
            reason=seen.reason,
            seen=steps.seen,
            needed=STEADY,
            steady=steps.steady,
            refused=refused,
        )
        if step is None:
            stands.made = [calibrated(each, ask.lang) for each in self._records(work, ask)]
        else:
            stands.usual = step.usual
        return stands

    def _records(self, work: Work, ask: Ask) -> list[Record]:
        now = datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC).isoformat(timespec="milliseconds")
        target = work.steps.target
        made = work.steps.records(by=work.by, at=now, note=ask.note, others=others(self._config, target))
        if wall_ns(self._clock) is not None:
            return made
        return [msgspec.structs.replace(each, facts=each.facts | {"clock_unset": 1.0}) for each in made]

    def _finish(self, work: Work, ask: Ask) -> Iterator[Calibrated]:
        if work.steps.step is not None:
            raise Refused(_("Not all steps are done."))
        made = self._records(work, ask)
        self._history.append(made)
        self._end(work)
        for record in made:
            yield calibrated(record, ask.lang)

    def _end(self, work: Work) -> None:
        device = work.steps.target.device
        with self._lock:
            if self._works.get(device) is work:
                del self._works[device]
        self._visits.visit(device, lambda it: it.set_aside(None), LIMIT_S)


def calibrated(record: Record, lang: str) -> Calibrated:
    """Put a record into the words of the desk."""
    say = translator(lang)
    if record.kind == "empty-full" and record.points:
        (empty_m, _none), (full_m, _all) = record.points
        line = say(_("empty {empty} m, full {full} m")).format(
            empty=number(empty_m, lang), full=number(full_m, lang)
        )
    else:
        line = f"{number(record.gain, lang, 4)} x {'-' if record.offset < 0 else '+'} "
        line += number(abs(record.offset), lang, 4)
    known = {name: it for name, it in record.facts.items() if name in FACTS}
    facts = [say(FACTS[name]).format(value=short(it, lang)) for name, it in known.items()]
    return Calibrated(
        record.of, record.kind, record.at, record.by, record.note, record.gain, record.offset,
        record.points, dict(record.facts), " · ".join([line, *facts]),
    )  # fmt: skip


FACTS = {
    "slope_percent": _("slope {value} %"),
    "offset_mv": _("{value} mV at pH 7"),
    "litres": _("with {value} litres"),
    "within_percent": _("exact to {value} %"),
    "clock_unset": _("the node's clock was not set"),
}


def _own(work: Work, ask: Ask, clock: Clock) -> None:
    """Let nobody else take part: raise Refused that says who is at it."""
    if work.by != ask.who:
        left_ns = work.until_ns - clock.monotonic_ns()
        raise Refused(
            _("{by} is calibrating it. If that was forgotten, it is free again in {minutes} minutes."),
            by=work.by,
            minutes=max(1, round(left_ns / NS / 60)),
        )


def _prolonged(work: Work, clock: Clock) -> Work:
    work.until_ns = clock.monotonic_ns() + round(IDLE_S * NS)
    return work


def _number(sample: Sample) -> float | None:
    good = isinstance(sample.value, (int, float)) and not isinstance(sample.value, bool)
    return float(sample.value) if good and sample.value is not None else None
