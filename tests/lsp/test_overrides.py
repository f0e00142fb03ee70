"""What is overridden of pygls, and what is measured of others, is what is installed and locked.

Where one of these fails after an upgrade: compare what pygls does now with what overrides it, then
write the new digest down.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from claude_agent_lsp.lsp.protocol import AgentProtocol
from claude_agent_lsp.lsp.server import AgentServer

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKED = dict(
    re.findall(
        r"^([a-z0-9.-]+)==([^ ]+)", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE
    )
)
# pygls' code that ours replaces, calls by a private name, or is called by.
DIGESTS = {
    "_handle_cancel_notification": "fa7c59a911cd13fc",
    "_handle_notification": "d116395477c57456",
    "_handle_request": "74d28ad48dd25dbf",
    "_handle_response": "65a45fcee629c61b",
    "_send_data": "40e0a5bb70951777",
    "_send_handler_result": "38d95833f8826cde",
    "_send_response": "b799bb966ca7ebb1",
    "lsp_exit": "229d16e062e3b9d4",
    "lsp_initialize": "25d45da16abef004",
    "lsp_shutdown": "86ec7ca1055cb177",
    "lsp_text_document__did_change": "81a0591b8fdf9793",
    "lsp_text_document__did_close": "1308de1125767d78",
    "lsp_text_document__did_open": "6771d1483cdf0338",
    "lsp_work_done_progress_cancel": "973f4beb1dc03d21",
    "lsp_workspace__execute_command": "b8471858fcb02f5d",
    "report_server_error": "bb8c3433a6199aec",
    "send_request_async": "e7510ff3bded5f14",
    "structure_message": "ac66b961a32acb07",
}
PAIRS = ((AgentProtocol, LanguageServerProtocol), (AgentServer, LanguageServer))


def theirs(name: str) -> Any:
    return next(getattr(base, name) for _, base in PAIRS if hasattr(base, name))


@pytest.mark.parametrize("name", DIGESTS)
def test_what_is_replaced_does_what_it_did(name: str) -> None:
    source = inspect.getsource(inspect.unwrap(theirs(name)))
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == DIGESTS[name]


def test_everything_that_is_overridden_is_looked_after() -> None:
    overridden = {
        name
        for ours, base in PAIRS
        for name, value in vars(ours).items()
        if inspect.isfunction(value) and inspect.isfunction(getattr(base, name, None))
    }
    assert overridden - {"__init__"} <= set(DIGESTS)


@pytest.mark.parametrize("name", ["claude-agent-sdk", "lsprotocol", "mcp", "psutil", "pygls"])
def test_no_newer_one_is_installed_than_was_looked_at(name: str) -> None:
    (required,) = [
        requirement
        for requirement in map(Requirement, PROJECT["dependencies"])
        if requirement.name == name
    ]
    assert any(bound.operator == "<" for bound in required.specifier)
    assert Version(LOCKED[name]) in required.specifier
    assert Version(version(name)) in required.specifier
