"""Many hostile requests to one process, and what stays in its memory: ``python tests/conformance/fuzz_requests.py``.

The requests are those of ``test_hostile_requests.py``: valid ones, bent, of every verb to every endpoint. The run ends
at the first answer that may not be, with the request and the seed, or prints the resident memory after a tenth of
the requests and after all of them (wanted: at most 1.1 times as much).
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from types import ModuleType

import structlog

_PACKAGE = ModuleType("ecmahost_conformance_kit")
_PACKAGE.__path__ = [str(Path(__file__).with_name("kit"))]
sys.modules[_PACKAGE.__name__] = _PACKAGE
# They can only be imported now, hence E402.
from ecmahost_conformance_kit.hostile import Hostile  # noqa: E402 - see above
from ecmahost_conformance_kit.judge import Client, raise_on_errors  # noqa: E402 - see above
from ecmahost_conformance_kit.served import make_home, serving  # noqa: E402 - see above

WANTED = 1.1


def resident() -> float:
    """The resident size of this process in MiB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def run(client: Client, seed: int, count: int) -> float:
    """Sends the requests; returns how many times the memory of a tenth of them the whole run took."""
    hostile = Hostile(Random(seed))
    early = 0.0
    began = time.monotonic()
    for number in range(1, count + 1):
        client.send(hostile.request())
        if number == count // 10:
            early = resident()
        if number % max(1, count // 10) == 0:
            rate = number / (time.monotonic() - began)
            print(f"{number:,} requests, {rate:,.0f} a second, {resident():.1f} MiB", flush=True)
    late = resident()
    print(f"statuses: {dict(sorted(client.statuses.items()))}")
    print(f"resident after {count // 10:,}: {early:.1f} MiB, after {count:,}: {late:.1f} MiB, {late / early:.3f} times")
    return late / early


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what decides them all (default %(default)s)")
    options = parser.parse_args()
    structlog.configure(processors=[raise_on_errors])
    with tempfile.TemporaryDirectory(prefix="ecmahost-fuzz-") as directory:
        home = Path(directory) / "home"
        make_home(home)
        with serving(home) as served:
            ratio = run(Client(served), options.seed, options.requests)
    sys.exit(ratio > WANTED)


if __name__ == "__main__":
    main()
