"""The model in a process of its own: `python -m claude_agent_lsp.loopback`.

It answers directives (see `directives`), prints its URL as a line of JSON, keeps a log at
GET /log, and ends when stdin closes or at SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys

from claude_agent_lsp.loopback.directives import directives
from claude_agent_lsp.loopback.server import Loopback


def main() -> None:
    """Serve until stdin closes."""
    parser = argparse.ArgumentParser(
        prog="python -m claude_agent_lsp.loopback", description="A Messages API on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="where to listen; any free port if 0")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Loopback(*directives(), port=arguments.port) as model:
        sys.stdout.write(json.dumps({"url": model.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
