"""`make bench`, or `python -m benchmarks`: measures, prints a table, writes JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks import table
from benchmarks.catalogue import catalogue
from benchmarks.documents import documents
from benchmarks.measures import TURNS, Extent
from benchmarks.stage import stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Measure
    from benchmarks.peers import Place

MEASURES = {**TURNS, "catalogue": catalogue, "documents": documents}
console = Console(width=None if sys.stdout.isatty() else 150)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: Instead of the command line's.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        names = options.only or list(MEASURES)
        report = asyncio.run(_run(names, _extent(options), acp=options.acp))
    except KeyboardInterrupt:
        console.print("Stopped; everything that was started has been ended.")
        return 130
    console.print(table.terminal(report.measures))
    console.print(f"{report.about}, {report.seconds:.0f} s")
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    if options.write is not None:
        table.write(options.write, report.measures, report.about)
    return 0


@dataclass
class Report:
    """What a run has found.

    Attributes:
        about: What it ran on, in one line: no name and no path of the machine.
        seconds: How long it took.
    """

    about: str
    seconds: float = 0.0
    measures: list[Measure] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "about": self.about,
            "seconds": round(self.seconds, 1),
            "measures": [measure.as_json() for measure in self.measures],
        }


async def _run(names: Sequence[str], extent: Extent, *, acp: bool) -> Report:
    began = time.monotonic()
    async with stage(acp=acp) as here:
        report = Report(_about(here.place))
        if here.without:
            console.print(f"The ACP adapter takes no part: {here.without}.", highlight=False)
        for name in names:
            measure = MEASURES[name]
            doc = str(measure.__doc__).partition("\n")[0]
            with console.status(f"{name}: {doc}"):
                since = time.monotonic()
                report.measures += await measure(here, extent)
            console.print(f"{name:>10}  {time.monotonic() - since:5.1f} s  {doc}", highlight=False)
    report.seconds = time.monotonic() - began
    return report


def _about(place: Place) -> str:
    told = subprocess.run(
        [place.cli, "--version"],
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return (
        f"{os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]}, "
        f"CLI {told.stdout.split()[0]}, SDK {version('claude-agent-sdk')}"
    )


def _extent(options: argparse.Namespace) -> Extent:
    return Extent(rounds=options.rounds, quick=options.quick)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="This server beside its peers."
    )
    parser.add_argument(
        "--only", nargs="+", choices=MEASURES, metavar="NAME", help=f"of: {', '.join(MEASURES)}"
    )
    parser.add_argument("--rounds", type=_count, default=10, help="10 takes about five minutes")
    parser.add_argument("--quick", action="store_true", help="one round each: no figures to keep")
    parser.add_argument("--acp", action="store_true", help="beside the ACP adapter, too, by npm")
    parser.add_argument("--json", type=Path, help="write all values there")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one round is needed")
    return count


if __name__ == "__main__":
    sys.exit(main())
