"""Real servers, one of each kind for each worker; where there are none, the tests are skipped."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from .servers import Postgres, RedisServer, Server, postgres_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

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
