"""The real thing, as small as it can be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest
from benchmarks.peers import CLIENT, HEADLESS, LISTING, QUERY, SERVER
from benchmarks.table import BEGIN, END

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MARK = "BENCHMARK_TEST"
SECONDS = 90.0  # only catches hangs


@contextmanager
def benchmark(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    mark = str(uuid.uuid4())
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process, mark
        finally:
            process.kill()
            for left in started(mark):
                left.kill()


def started(mark: str, word: str = "") -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            ours = process.environ().get(MARK) == mark and word in " ".join(process.cmdline())
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.long
def test_a_run_measures_all_peers_and_leaves_nothing(tmp_path: Path) -> None:
    figures, document = tmp_path / "figures.json", tmp_path / "benchmarks.md"
    document.write_text(f"{BEGIN}{END}")
    arguments = ("--quick", "--only", "warm", "--json", figures, "--write", document)
    with benchmark(*arguments) as (process, mark):
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
        assert started(mark) == []
    report = json.loads(figures.read_text())
    (measure,) = report["measures"]
    assert set(measure["peers"]) == {SERVER, CLIENT, QUERY, HEADLESS}
    medians = {name: peer["median"] for name, peer in measure["peers"].items()}
    # A process for each turn takes many times as long as a connected one.
    assert 0 < medians[SERVER] < medians[HEADLESS]
    assert measure["ratio"]["to"] == CLIENT
    assert "first token, next turn" in said
    assert "first token, next turn" in document.read_text()
    told = report["about"] + said + document.read_text()
    assert "CLI " in told
    assert os.uname().nodename not in told
    assert str(ROOT) not in told


def test_lists_are_measured_beside_the_sdk(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    with benchmark("--quick", "--only", "catalogue", "--json", figures) as (process, mark):
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
        assert started(mark) == []
    listed, beside, searched, first = json.loads(figures.read_text())["measures"]
    assert set(beside["peers"]) == {SERVER, LISTING}
    assert listed["wanted"]["limit"] == 0.06
    assert beside["ratio"]["to"] == LISTING
    assert 0 < listed["peers"][SERVER]["median"] < first["peers"][SERVER]["median"]
    assert searched["peers"][SERVER]["median"] > 0


@pytest.mark.long
def test_an_interrupt_ends_everything_in_order() -> None:
    with benchmark("--only", "warm") as (process, mark):
        wait_for(lambda: started(mark, "stream-json"))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 130, said
        assert "Stopped" in said
        assert "Traceback" not in said
        assert started(mark) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--only", "nothing"), "invalid choice"), (("--rounds", "0"), "at least one round")],
)
def test_what_it_can_not_do_is_told(arguments: tuple[str, ...], told: str) -> None:
    with benchmark(*arguments) as (process, _):
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert told in said
