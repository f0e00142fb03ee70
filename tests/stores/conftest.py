"""Real servers, one of each kind for each worker; where there are none, the tests are skipped.

And two machines that share sessions by one of them.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
import pytest_asyncio

from claude_agent_lsp.loopback import Loopback, recall, reply, say, tokens

from .machines import Machine, git
from .servers import Postgres, RedisServer, Server, postgres_binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

S = TypeVar("S", bound=Server)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if postgres_binary("postgres") is None:
        pytest.skip("PostgreSQL is not installed: its tests did not run")
    with _directory() as directory:
        yield from _running(Postgres(directory))


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: its tests did not run")
    with _directory() as directory:
        yield from _running(RedisServer(directory))


@pytest.fixture(params=["postgres", "redis"])
def server(request: pytest.FixtureRequest) -> Postgres | RedisServer:
    """Each kind of server in turn."""
    found: Postgres | RedisServer = request.getfixturevalue(request.param)
    return found


@contextmanager
def _directory() -> Iterator[Path]:
    """Not in pytest's own directory, which no other user may look into."""
    directory = Path(tempfile.mkdtemp(prefix="agent-lsp-store-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _running(server: S) -> Iterator[S]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def model() -> Iterator[Loopback]:
    with Loopback(
        reply("remember the code", say("I will remember it.")),
        reply("which code", recall(r"[A-Z]+-\d+")),
        reply("count slowly", tokens(5000, pace=0.02)),
        reply("count a while", tokens(150, pace=0.02)),
    ) as running:
        yield running


@pytest_asyncio.fixture
async def machines(
    tmp_path: Path, model: Loopback, server: Postgres | RedisServer
) -> AsyncIterator[tuple[Machine, Machine]]:
    """Anna's and Bert's, with clones of the same repository; the remote is this test's own."""
    origin = tmp_path / "origin.git"
    await git("init", "-q", "--bare", str(origin))
    both = [Machine(tmp_path, name, model, server.url) for name in ("anna", "bert")]
    for machine in both:
        await machine.clone(origin)
    yield both[0], both[1]
    for machine in both:
        await machine.leave()
