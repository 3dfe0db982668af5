"""What every driver must show, as a pytest plugin that a third party's driver can run too.

In a test file of your package, with commune installed:

    from simulators.conformance import Bench, Conformance

    class MyBench(Bench): ...

    class TestMyDriver(Conformance):
        bench = MyBench

and `pytest_plugins = ["simulators.conformance.plugin"]` in conftest.py prints how exact it was.
"""

from simulators.conformance.bench import Bench, Truth
from simulators.conformance.suite import Conformance

__all__ = ["Bench", "Conformance", "Truth"]
