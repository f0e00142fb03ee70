"""What a program says that is run for its answer alone, within bounds of time and size."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


async def output_of(
    program: Path,
    *words: str,
    environment: Mapping[str, str],
    seconds: float,
    most_bytes: int,
    folder: Path | None = None,
    given: bytes = b"",
) -> tuple[bytes, bool]:
    """Run a program and return what it prints.

    Args:
        program: Its path.
        words: Its arguments.
        environment: All of its environment.
        seconds: How long it may take.
        most_bytes: It is ended once it has printed more.
        folder: Where it runs; here, if left out.
        given: What it reads, no more than a pipe takes in one go.

    Returns:
        What it has printed, and whether that is all.

    Raises:
        OSError: It can't be run.
    """
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        env=dict(environment),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    if process.stdin is not None:
        process.stdin.write(given)
        process.stdin.close()
    said, more = b"", b"-"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            # One that prints for ever must be neither waited for nor kept in memory.
            while len(said) <= most_bytes and (more := await process.stdout.read(most_bytes)):
                said += more
            if not more:
                # It has said all: let it end. To kill it in that very moment makes asyncio warn.
                await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return said, not more
