"""The tests of editors/vscode/test, in VS Code's extension host."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, fail, reply, say, tokens
from tests.editors.abilities import Ability, shows

from .planner import Planner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from claude_agent_lsp.loopback import Loopback
    from claude_agent_lsp.loopback.script import Call, Reply, Turn

    from .code_server import CodeServer

SECONDS = 900  # only catches hangs
GREP = "EXTENSION_TEST_GREP"  # names some of the tests
COLOUR = {
    "question": "Which colour?",
    "header": "Colour",
    "multiSelect": False,
    "options": [{"label": name, "description": name} for name in ("Red", "Green")],
}
WAITS = "until test -e go; do sleep 0.05; done"
CHANGES = "echo 'one 2' >kept.txt; echo red >other.txt; echo new >made.txt"
FINDING = {
    "file": "hello.py",
    "line": 2,
    "summary": "Greets nobody",
    "category": "correctness",
    "severity": "warning",
}
HELLO = 'def greet(name):\n    print("Hello, " + name)\n'


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The suite writes its results to a file, and runs the tests that somebody names."""
    named = {name: os.environ[name] for name in (GREP,) if name in os.environ}
    return {**environment, **named, "EXTENSION_TEST_RESULTS": str(tmp_path / "results.json")}


@pytest.fixture
def options() -> Sequence[str]:
    """What gives the results of tests to the page."""
    return ("--vscode-option", "enable-smoke-test-driver")


@shows(Ability.UNSAVED, Ability.TYPING, Ability.DIAGNOSTICS)
@pytest.mark.long
@pytest.mark.timeout(SECONDS + 60)
def test_every_command_setting_contribution_and_error(
    code_server: CodeServer,
    context: BrowserContext,
    environment: dict[str, str],
    extension: Path,
    folder: Path,
    model: Loopback,
) -> None:
    script(model, folder)
    page = context.new_page()
    ended = threading.Event()
    log: list[str] = []

    def on_log(_: str, *arguments: Any) -> None:
        log.append(str(arguments))

    def on_exit(code: int, _: Any) -> None:
        log.append(f"exit {code}")
        ended.set()

    page.expose_function("codeAutomationLog", on_log)
    page.expose_function("codeAutomationExit", on_exit)
    payload = [
        ("extensionDevelopmentPath", code_server.remote(extension)),
        ("extensionTestsPath", code_server.remote(extension / "out" / "test" / "index.js")),
        ("enableProposedApi", ""),
    ]
    page.goto(code_server.url(folder=folder, payload=payload))
    for _ in range(SECONDS * 10):
        if ended.is_set():
            break
        page.wait_for_timeout(100)
    assert ended.is_set(), "\n".join(log[-50:])
    results = json.loads((folder.parent / "results.json").read_text())
    failed = [f"{each['name']}: {each['error']}" for each in results if each.get("error")]
    assert not failed, "\n".join(failed)
    assert GREP in environment or len(results) > 50


class Asked:
    """A rule: says what was asked of the model beside the prompt."""

    def __init__(self, model: Loopback) -> None:
        self._model = model

    def turns(self, prompt: str) -> tuple[Turn, ...] | None:
        """Says the model's name, and how much it is to think."""
        body = self._model.requests[-1].body
        effort = body.get("output_config", {}).get("effort")
        told = f"I am {body['model']}, and think with {effort} effort."
        return reply("who are you?", say(told)).turns(prompt)


def script(model: Loopback, folder: Path) -> None:
    """What the agent of these tests says and does."""
    hello = folder / "hello.py"
    hello.write_text(HELLO)
    path = str(hello)
    edit = call("Edit", file_path=path, old_string='"Hello, " + name', new_string='"Hello, world"')
    read = call("Read", file_path=path)
    model.add(
        *(
            reply(f"make {n}", [call("Bash", command=f"touch {n}")], [say("Tried.")])
            for n in ("one", "two", "three", "four")
        ),
        *live_documents(folder / "live.txt"),
        *knowledge(folder / "cart.py"),
        reply("change the files", [call("Bash", command=CHANGES)], [say("Changed.")]),
        reply("greet the world", [read], [edit], [say("It greets.")]),
        reply("read on and on", [read]),
        reply("break down", fail(400)),
        reply(
            "leave it behind",
            [call("Bash", command=WAITS, run_in_background=True)],
            [say("It is running.")],
            [tokens(5000, pace=0.01)],
        ),
        reply("Review ", [call("StructuredOutput", findings=[FINDING])], [say("Reviewed.")]),
        reply("ask me", [call("AskUserQuestion", questions=[COLOUR])], [say("Noted.")]),
        reply(
            "edit it twice",
            [read],
            [
                call("Edit", file_path=path, old_string="def greet", new_string="def first"),
                call("Edit", file_path=path, old_string="print", new_string="second"),
            ],
            [say("Tried.")],
        ),
        reply("print it", [call("Bash", command="printenv FROM_THE_SETTINGS")], [say("So it is.")]),
        Asked(model),
        Planner(model, "propose a plan", "# The plan\n\n1. Do it"),
    )


def knowledge(file: Path) -> list[Reply]:
    """What the agent asks VS Code."""

    def ask(tool: str, **given: Any) -> Call:
        return call(f"mcp__editor__{tool}", **given)

    read = call("Read", file_path=str(file))
    edit = call("Edit", file_path=str(file), old_string="bad = 1\n", new_string="a='ü🛒'; bad\n")
    place = {"path": str(file), "line": 4, "symbol": "total"}
    wrong = ask("diagnostics", path=str(file))
    return [
        reply(
            "see what is wrong",
            [ask("open_documents")],
            [wrong],
            [read],
            [edit],
            [wrong],
            [say("Seen.")],
        ),
        reply(
            "rename the total",
            [ask("definition", **place)],
            [ask("references", **place)],
            [ask("symbols", path=str(file))],
            [ask("rename_symbol", **place, new_name="add")],
            [say("Renamed.")],
        ),
        reply("show me the total", [ask("reveal", path=str(file), line=4)], [say("There.")]),
    ]


def live_documents(file: Path) -> list[Reply]:
    """What the agent does to a file that is open."""
    read = call("Read", file_path=str(file))

    def edit(old: str, new: str) -> Call:
        return call("Edit", file_path=str(file), old_string=old, new_string=new)

    waits = call("Bash", command=WAITS)
    return [
        reply("see what I typed", [read], [edit("typed", "seen")], [say("Seen.")]),
        reply(
            "edit what is saved",
            [read],
            [edit("two", "x=2")],
            [edit("x = 2", "y=3")],
            [say("Saved.")],
        ),
        reply("wait, and edit", [read], [waits], [edit("three", "3")], [say("Edited.")]),
    ]
