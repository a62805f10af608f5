"""`python -m tests.sim discrete`, `stubbed` or `real`: growth tried out; docs/scale.md says what came of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.sim.constants import load


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    _discrete_options(kinds.add_parser("discrete", help="a simulated day, without any process or socket"))
    stubbed = "real bots and stores, and a model that answers at once: what is around it"
    _load_options(kinds.add_parser("stubbed", help=stubbed), stubbed=True, servers=10_000, shards=10, bots=1, rate=1667)
    real = "all of it real, a hundredth of 100,000 servers"
    _load_options(kinds.add_parser("real", help=real), stubbed=False, servers=1000, shards=4, bots=2, rate=167)
    asked = parser.parse_args(arguments)
    found = asked.run(asked)
    if asked.out is not None:
        asked.out.write_text(json.dumps(found["report"], indent=1) + "\n", "utf-8")
    return int(found["code"])


def _discrete_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--servers", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--writers", type=int, default=1, help="processes that may write side by side")
    parser.add_argument("--processes", type=int, default=0, help="bots; as many as the loudest hour needs if not given")
    parser.add_argument("--hours", type=int, default=24, help="of the day, from midnight on")
    parser.add_argument("--tagging", type=float, help="share of messages on which a reaction is wanted")
    parser.add_argument("--constant", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    parser.add_argument("--out", type=Path, help="keeps the report as JSON there")
    parser.set_defaults(run=_discrete)


def _discrete(asked: argparse.Namespace) -> dict[str, Any]:
    from tests.sim.discrete import STEEPEST, exponents, printed, simulate, walls

    constants = load(others={name: float(value) for name, value in asked.constant})
    outcomes = []
    for servers in sorted(asked.servers):
        options = {"writers": asked.writers, "processes": asked.processes, "tagging": asked.tagging}
        options |= {"hours": asked.hours}
        outcomes.append(simulate(servers, constants, asked.seed, **options))
    printed(outcomes, lambda line: print(line, flush=True))
    grown = exponents(outcomes)
    steep = {name: value for name, value in grown.items() if value > STEEPEST}
    for name, value in steep.items():
        print(f"TOO STEEP: {name} grows with the {value:.2f}th power of the servers")
    report = {
        "outcomes": [asdict(outcome) for outcome in outcomes],
        "exponents": grown,
        "walls": walls(outcomes),
        "constants": [asdict(constant) for constant in constants.all.values()],
    }
    return {"code": 1 if steep else 0, "report": report}


def _load_options(
    parser: argparse.ArgumentParser, *, stubbed: bool, servers: int, shards: int, bots: int, rate: float
) -> None:
    parser.add_argument("--servers", type=int, default=servers)
    parser.add_argument("--shards", type=int, default=shards)
    parser.add_argument("--bots", type=int, default=bots)
    parser.add_argument("--rate", type=float, default=rate, help="messages a second")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--warm", type=float, default=0.0, help="seconds of the same before anything is measured")
    parser.add_argument("--concurrency", type=int, default=16 if stubbed else 1, help="identifies in five seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--faults", action="store_true", help="stops PostgreSQL, loses a fifth of the servers, kills a bot"
    )
    parser.add_argument("--inference-url", default="", help="where texts are scored, handed on to the bots")
    parser.add_argument("--out", type=Path, help="keeps the report as JSON there")
    parser.set_defaults(run=_load, stubbed=stubbed)


def _load(asked: argparse.Namespace) -> dict[str, Any]:
    from tests.bench.machine import Moment, described
    from tests.sim.load import Plan, run, told

    plan = Plan(
        asked.servers,
        asked.shards,
        asked.bots,
        asked.rate,
        asked.seconds,
        asked.stubbed,
        inference_url=asked.inference_url,
        faults=asked.faults,
        warm=asked.warm,
        seed=asked.seed,
        concurrency=asked.concurrency,
    )
    before, load = Moment.now(), os.getloadavg()[0]
    found = asyncio.run(run(plan))
    print("\n".join(told(found)), flush=True)
    report = {"taken": time.strftime("%Y-%m-%d"), "machine": described(before, load), **found}
    return {"code": 1 if found["lost"] else 0, "report": report}


if __name__ == "__main__":
    sys.exit(main())
