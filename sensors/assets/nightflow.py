"""A leak shows at night, when nobody draws water: the flow from two to four against that of other nights."""

from statistics import median

from sensors.assets.moment import Moment
from sensors.io import Kept

FIRST_H, LAST_H = 2.0, 4.0  # local: the hours of least demand (Lambert; IWA's minimum night flow)
FEWEST = 4  # readings that make a night
LEARN_NIGHTS, KEEP_NIGHTS = 3, 14
LEAK_SHARE = 0.3  # above its own usual by so much; two hours' mean of a village's noise stays within 5 %


class NightFlow:
    """The nights of one network. Flows in m3/h. A night with a leak is not learnt as usual."""

    def __init__(self) -> None:
        self._day = -1
        self._sum = 0.0
        self._count = 0
        self._nights: list[float] = []
        self.last: float | None = None
        """The mean flow of the last whole night; None before the first."""
        self.leak: float | None = None
        """How much of it is above the usual, 0 when it is as usual; None until the usual is known."""

    def take(self, flow: float | None, moment: Moment) -> None:
        """Take in a reading's flow, None when there was none to believe."""
        day, hour = moment.local_day, moment.local_hour
        if day is None or hour is None:
            return
        if self._count and (day != self._day or hour >= LAST_H):
            self._close()
        if FIRST_H <= hour < LAST_H and flow is not None:
            self._day = day
            self._sum += flow
            self._count += 1

    def recall(self, kept: Kept) -> None:
        """Go on from what `remember` returned."""
        self._day, self._sum = int(kept.get("day", -1)), kept.get("sum", 0.0)
        self._count = int(kept.get("count", 0))
        self._nights = [kept[f"night{n}"] for n in range(KEEP_NIGHTS) if f"night{n}" in kept]
        self.last, self.leak = kept.get("last"), kept.get("leak")

    def remember(self) -> Kept:
        """Return what is to be kept."""
        kept: Kept = {"day": self._day, "sum": self._sum, "count": self._count}
        kept |= {f"night{n}": night for n, night in enumerate(self._nights)}
        kept |= {
            name: value for name, value in (("last", self.last), ("leak", self.leak)) if value is not None
        }
        return kept

    def _close(self) -> None:
        mean, fewest = self._sum / self._count, self._count >= FEWEST
        self._sum, self._count = 0.0, 0
        if not fewest:
            return
        self.last = round(mean, 3)
        usual = median(self._nights) if len(self._nights) >= LEARN_NIGHTS else None
        above = 0.0 if usual is None else mean - usual
        leaks = usual is not None and above > LEAK_SHARE * usual
        self.leak = None if usual is None else round(above, 3) if leaks else 0.0
        if not leaks:
            self._nights = [*self._nights, mean][-KEEP_NIGHTS:]
