"""Practice of a calibration on the bench: before each reading its probes are where the step wants them."""

from collections.abc import Callable, Iterator
from time import sleep

from gateway.cli_calibrate import Way
from gateway.feed.desk import Answer, Ask, Stepped
from simulators.bench import Bench

EMPTY_M, FULL_M = 1.04, 0.13


class Hands:
    """Stands between who asks and who answers, and does at the bench what a technician would do."""

    def __init__(self, bench: Bench, way: Way) -> None:
        self._bench = bench
        self._way = way
        self._said = 0.0
        self._stands: Stepped | None = None
        self._poured = False

    def way(self) -> Way:
        """Return the way to ask through these hands. The bench's time passes as the person's does."""

        def wait(seconds: float) -> None:
            sleep(seconds)
            self._bench.clock.sleep(seconds)

        return Way(self.asked, wait)

    def asked(self, ask: Ask) -> Iterator[Answer]:
        """Ask on; first do what the step says."""
        if ask.act == "measure" and self._stands is not None:
            self._do(self._stands)
        if ask.number is not None:
            self._said, self._poured = ask.number, False
        for answer in self._way.ask(ask):
            if isinstance(answer, Stepped):
                self._stands = answer
            yield answer

    def _do(self, stands: Stepped) -> None:
        """Show each device what is there; none says quite what is true."""
        bench, said = self._bench, self._said
        if stands.kind == "empty-full":
            bench.distance_m = bench.field.heap_m = EMPTY_M if stands.number == 1 else FULL_M
            bench.field.sealed_m = EMPTY_M if stands.number == 1 else FULL_M + 0.2
        elif stands.kind == "k-factor":
            bench.flow_l_s = 0.0
            if stands.number > 1 and not self._poured:
                self._poured = True
                bench.meter.flow(said * 1.04, 1.0)
                bench.clock.sleep(2.0)
        else:
            self._probe(stands.device, 0.0 if stands.kind == "scale" and stands.number == 1 else said)
        bench.field.refresh()

    def _probe(self, device: str, true: float) -> None:
        bench, field = self._bench, self._bench.field
        showing: dict[str, Callable[[], None]] = {
            "ph": lambda: setattr(bench, "ph", round(7.1 + 0.96 * (true - 7), 2)),
            "turbidity": lambda: setattr(bench, "turbidity", 0.1 + 0.93 * true),
            "water": lambda: setattr(field, "water_c", true + 0.4),
            "tank": lambda: setattr(field, "level_m", 0.05 + 0.98 * true),
            "pressure": lambda: setattr(field, "kilopascals", 4.0 + 0.98 * true),
            "scale": lambda: setattr(field, "kg", 0.3 + 1.02 * true),
        }
        if device in showing:
            showing[device]()
