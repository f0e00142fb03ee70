"""What holds for the whole suite, and the stage of all tests that run the real CLI.

No process that a test has started is left at the suite's end, and no secret that a server was given
stands in what it has written or told.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import sys
import uuid
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import settings

from claude_agent_lsp.loopback import Loopback, recall, reply, say, tokens
from tests import told_secrets
from tests.processes import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Inherited by everything that is started below, through every clean environment of the tests.
SUITE = "AGENT_LSP_SUITE"
PATIENCE_SECONDS = 5.0
# The property of a test whose value is told at the end of a run.
TOLD = "told"

# A CLI reads each root of the machine when it starts, and compiles for a long life what it runs a
# second of: an eighth of what its start takes (2.1.330). What is started here talks to this machine
# alone, without TLS.
ROOTS = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
SHORT_LIFE = {"BUN_JSC_useDFGJIT": "0"}

# Each test has a time limit; one for each example fails by what else the machine does. `make
# torture` tries more examples.
EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "50"))
settings.register_profile("suite", deadline=None, max_examples=EXAMPLES)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this run of the suite starts; nothing of the machine's own Claude reaches it."""
    if not is_worker(config):
        os.environ[SUITE] = str(uuid.uuid4())
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE")):
            del os.environ[name]
    # A server that compiles itself at each start takes twice as long over it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # A shell that runs the suite in the background has it ignore SIGINT, and with it all that is
    # started below, where tests interrupt what they have started.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start the long tests first, and on every worker, so that none is left with some at the end.

    `--dist worksteal` begins with as many tests for each worker, in their order; who has done its
    own takes from the end of another's. Of one kind of long tests no two run beside each other:
    a single VS Code has much to do.
    """
    workers: int = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    short = iter([item for item in items if item.get_closest_marker("long") is None])
    kinds: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("long") is not None:
            kind = item.path.relative_to(config.rootpath).parts[1]
            kinds.setdefault(kind, []).append(item)
    first: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for alike in sorted(kinds.values(), key=len, reverse=True):
        min(first, key=len).extend(alike)
    dealt: list[pytest.Item] = []
    for worker, long in enumerate(first):
        share = (len(items) - len(dealt)) // (workers - worker)
        dealt += [*long, *itertools.islice(short, max(0, share - len(long)))]
    items[:] = [*dealt, *short]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell in a line which tests did not run for want of an editor, and what others have to say."""
    for report in terminalreporter.stats.get("passed", []):
        for name, line in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {line}")
    skipped = terminalreporter.stats.get("skipped", [])
    wanting = [report for report in skipped if report.nodeid.startswith("tests/editors/")]
    if wanting:
        files = sorted({report.nodeid.partition("::")[0] for report in wanting})
        why = sorted({str(report.longrepr[2]).removeprefix("Skipped: ") for report in wanting})
        terminalreporter.write_line(
            f"{len(wanting)} tests did not run ({'; '.join(why)}): {', '.join(files)}"
        )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look for what is left and for what was told, once all workers are done."""
    if is_worker(session.config):
        return
    _, left = psutil.wait_procs(left_over(), timeout=PATIENCE_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.Error):
            test = process.environ().get("PYTEST_CURRENT_TEST", "no test known")
            command = " ".join(process.cmdline())[:200]
            print(f"\nLEFT BEHIND: {process.pid} {command} ({test})")  # noqa: T201
            process.kill()
    base: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    telling = told_secrets.files_with_secrets(base)
    for file in telling:
        print(f"\nSECRET TOLD: {file}")  # noqa: T201
    if left or telling:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def model() -> Iterator[Loopback]:
    """A model with the answers that most tests need; tests add their own."""
    with Loopback(
        reply("remember the code", say("I will remember it.")),
        reply("which code", recall(r"[A-Z]+-\d+")),
        reply("count slowly", tokens(5000, pace=0.02)),
    ) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture
def environment(model: Loopback, tmp_path: Path) -> dict[str, str]:
    """Of a server that talks to the model and to nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    trust_in_terminal(home, tmp_path)
    inherited = model.environment(home)
    return {
        **{name: value for name, value in inherited.items() if name not in ROOTS},
        **SHORT_LIFE,
        **told_secrets.ENVIRONMENT,
        MARK: str(uuid.uuid4()),
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }


def trust_in_terminal(home: Path, folder: Path) -> None:
    """As if the user had trusted a folder, and all below it, in the terminal."""
    record = home / ".claude" / ".claude.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"projects": {str(folder): {"hasTrustDialogAccepted": True}}}))


def left_over() -> list[psutil.Process]:
    """Live processes of this run that are neither it nor its workers."""
    own = {os.getpid(), *(child.pid for child in psutil.Process().children() if is_of_xdist(child))}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in own and process.environ().get(SUITE) == os.environ[SUITE]:
                found.append(process)
    return found


def is_of_xdist(process: psutil.Process) -> bool:
    """Whether a child is one of the workers, which execnet starts."""
    with contextlib.suppress(psutil.Error):
        return "exec(eval(sys.stdin.readline()))" in " ".join(process.cmdline())
    return False


def is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several processes that share the tests."""
    return hasattr(config, "workerinput")
