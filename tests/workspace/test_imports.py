from __future__ import annotations

import subprocess
import sys

SLOW = ("pygls", "lsprotocol", "claude_agent_sdk", "asyncio", "platformdirs", "difflib", "attrs")


def test_the_package_loads_nothing_slow_and_nothing_else_of_the_project() -> None:
    code = (
        "import sys, claude_agent_lsp.workspace\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] in sys.argv[1:]))\n"
        "print(*(name for name in sys.modules if name.startswith('claude_agent_lsp.')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *SLOW], check=True, capture_output=True, text=True
    )
    slow, own = result.stdout.split("\n")[:2]
    assert slow == ""
    assert all(
        name == "claude_agent_lsp.errors"
        or name.startswith(("claude_agent_lsp.workspace", "claude_agent_lsp.base"))
        for name in own.split()
    )
