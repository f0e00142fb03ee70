"""The model in a process of its own: `python -m claude_agent_lsp.loopback`.

It answers directives (see `directives`), prints its URL as a line of JSON, keeps a log at
GET /log, and ends when stdin closes or at SIGTERM. With --shell it opens a shell instead, in which
editors and the CLI have no other model, and ends with that.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from claude_agent_lsp.loopback.directives import directives
from claude_agent_lsp.loopback.server import Loopback


def main() -> int:
    """Serve until stdin closes, or the shell ends; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m claude_agent_lsp.loopback", description="A Messages API on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="where to listen; any free port if 0")
    parser.add_argument(
        "--shell",
        type=Path,
        metavar="HOME",
        help="open $SHELL with this home directory, where the agent has this model",
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Loopback(*directives(), port=arguments.port) as model:
        if arguments.shell is not None:
            return _shell(model, arguments.shell.absolute())
        sys.stdout.write(json.dumps({"url": model.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()
    return 0


def _shell(model: Loopback, home: Path) -> int:
    """Run a shell that has the model, and this server on its PATH; returns its exit status."""
    environment = model.environment(home)
    # Some programs want it to be there.
    Path(environment["XDG_RUNTIME_DIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = os.environ.get("SHELL", "sh")
    return subprocess.run([shell], env=environment, cwd=home).returncode  # noqa: S603, PLW1510


if __name__ == "__main__":
    sys.exit(main())
