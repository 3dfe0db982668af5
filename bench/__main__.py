"""Because "fast" means "faster than what": run every benchmark and print medians and ratios, side by side."""

import os
import platform

from bench import feed
from bench.timing import ROUNDS, Timing


def show(title: str, timings: list[Timing]) -> None:
    """Print the contenders; the ratio is to the first, which is ours."""
    ours = timings[0].median_us
    print(f"\n{title}")
    print(f"  {'':40} {'us/reading':>10} {'ratio':>7} {'slowest/fastest round':>22}")
    for timing in timings:
        ratio = timing.median_us / ours
        print(f"  {timing.name:40} {timing.median_us:10.2f} {ratio:7.2f} {timing.spread:22.2f}")


def main() -> None:
    """Run them all."""
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; "
        f"processor time, median of {ROUNDS} rounds taken in turn, {feed.READINGS} readings a round"
    )
    size, encoding, decoding = feed.run()
    show(f"feed: write a body ({size} bytes on average)", encoding)
    show("feed: read a body", decoding)


if __name__ == "__main__":
    main()
