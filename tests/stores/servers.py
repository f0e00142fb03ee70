"""PostgreSQL and Redis on loopback, with their data in a directory of the test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECONDS = 60.0  # only catches hangs
PASSWORD = "s3cret/pass word"
QUOTED = "s3cret%2Fpass%20word"


def postgres_binary(name: str) -> str | None:
    """A program of PostgreSQL, also where Debian hides it."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A database server that can be stopped and started again."""

    url: str
    data: Path

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_user(),
                group=_group(),
                extra_groups=[] if _user() is not None else None,
            )
        until = time.monotonic() + SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.directory / "log").read_text())
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(SECONDS)
            self._process = None

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    async def restart(self) -> None:
        await asyncio.to_thread(self.start)

    def back_up(self) -> Path:
        """Stop it, and return a copy of its data."""
        self.stop()
        copy = self.directory / f"backup-{uuid.uuid4()}"
        subprocess.run(["cp", "-a", self.data, copy], check=True)
        return copy

    def restore(self, copy: Path | None) -> None:
        """Have it begin with a copy of its data; without one, with nothing. It is stopped."""
        shutil.rmtree(self.data)
        if copy is not None:
            subprocess.run(["cp", "-a", copy, self.data], check=True)


class Postgres(Server):
    """A PostgreSQL cluster."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.url = f"postgresql://tester:{QUOTED}@127.0.0.1:{self.port}/postgres"
        self.data = directory / "data"
        _give_away(directory)
        password = directory / "password"
        password.write_text(PASSWORD)
        _give_away(password)
        initdb = postgres_binary("initdb")
        assert initdb is not None
        subprocess.run(
            [
                *(initdb, "-D", str(self.data), "-U", "tester", "-A", "scram-sha-256"),
                *("-E", "UTF8", "--locale=C", f"--pwfile={password}", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=directory,
            user=_user(),
            group=_group(),
            extra_groups=[] if _user() is not None else None,
        )

    def command(self) -> Sequence[str]:
        postgres = postgres_binary("postgres")
        assert postgres is not None
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "dynamic_shared_memory_type": "mmap",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [postgres, "-D", str(self.data), *options]

    def answers(self) -> bool:
        ready = postgres_binary("pg_isready")
        assert ready is not None
        asked = subprocess.run([ready, "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False)
        return asked.returncode == 0


class RedisServer(Server):
    """A Redis server that keeps what it was told, also when it is killed."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.url = f"redis://:{QUOTED}@127.0.0.1:{self.port}/0"
        self.data = directory / "appendonlydir"
        _give_away(directory)

    def command(self) -> Sequence[str]:
        return [
            *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(self.directory), "--save", "", "--appendonly", "yes"),
            *("--appendfsync", "always", "--requirepass", PASSWORD),
        ]

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                # It takes the password, and answers nothing else, while its data is loaded.
                connection.sendall(f'AUTH "{PASSWORD}"\r\nPING\r\n'.encode())
                connection.shutdown(socket.SHUT_WR)
                return b"PONG" in b"".join(iter(lambda: connection.recv(100), b""))
        except OSError:
            return False


def _user() -> str | None:
    """Who a database runs as: it refuses to be root."""
    return "nobody" if os.geteuid() == 0 else None


def _group() -> str | None:
    return "nogroup" if os.geteuid() == 0 else None


def _give_away(path: Path) -> None:
    if (user := _user()) is not None:
        shutil.chown(path, user, _group())
