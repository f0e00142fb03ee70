"""The agent asks Emacs: Eglot's diagnostics and servers, and what is shown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows

from .conftest import ask, evaluate

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback, Step
    from tests.editors.terminal import Terminal

    from .conftest import OpenEmacs

JUDGE = Path(__file__).with_name("judge.py")
CODE = "def total(items):\n    return sum(items)\n\nprint('ü🛒', total([1]))\n"
EGLOT = """
(require 'eglot)
(setq eglot-server-programs '((text-mode . ("PYTHON" "JUDGE"))))
(add-hook 'text-mode-hook #'eglot-ensure)
"""


@pytest.fixture
def cart(folder: Path, init: Path, environment: dict[str, str]) -> Path:
    """A file whose mode has a language server."""
    allow_tools(environment, "Edit", "mcp__editor__rename_symbol")
    eglot = EGLOT.replace("PYTHON", sys.executable).replace("JUDGE", str(JUDGE))
    init.write_text(init.read_text() + eglot)
    (folder / ".git").mkdir()
    path = folder / "cart.txt"
    path.write_text(CODE)
    return path


def use(tool: str, **given: Any) -> Step:
    return call(f"mcp__editor__{tool}", **given)


def told(model: Loopback) -> list[dict[str, Any]]:
    """What the tools have said, with the newest prompt."""
    texts = (said.text for said in model.requests[-1].conversation if said.role == "user")
    return [json.loads(text) for text in texts if text.startswith("{")]


def opened(open_emacs: OpenEmacs) -> Terminal:
    emacs = open_emacs("cart.txt")
    emacs.wait_for("print")
    emacs.wait_for("[eglot:")
    return emacs


@shows(Ability.DIAGNOSTICS)
def test_after_an_edit_the_diagnostics_of_the_new_text_are_told(
    open_emacs: OpenEmacs, model: Loopback, cart: Path
) -> None:
    cart.write_text(f"bad = 1\n{CODE}")
    edit = call("Edit", file_path=str(cart), old_string="bad = 1\n", new_string="a='ü🛒'; bad\n")
    look = use("diagnostics", path=str(cart))
    read = call("Read", file_path=str(cart))
    model.add(reply("go", [look], [read], [edit], [look], [say("All done.")]))
    emacs = opened(open_emacs)
    evaluate(emacs, '(progn (flymake-start) (sleep-for 1) (message "%s" "looked"))')
    emacs.wait_for("looked")
    ask(emacs, "go")
    emacs.wait_for("All done.")
    before, after = told(model)
    bad = {"line": 1, "severity": "warning", "message": "this is bad", "source": "judge"}
    assert before["files"][0]["diagnostics"] == [{**bad, "column": 1}]
    assert after["files"][0]["diagnostics"] == [{**bad, "column": 9}]


def test_open_documents_are_told_as_the_windows_show_them(
    open_emacs: OpenEmacs, model: Loopback, cart: Path, folder: Path
) -> None:
    (folder / "other.txt").write_text("x\n")
    model.add(reply("go", [use("open_documents")], [say("All done.")]))
    emacs = open_emacs("other.txt", "cart.txt", "--eval", "(delete-other-windows)")
    emacs.wait_for("print")
    emacs.keys("M->", "C-p", "C-e", "C-b", "C-b", "C-@")
    emacs.wait_for("Mark set")
    emacs.keys("C-b", "C-b", "C-b")
    ask(emacs, "go")
    emacs.wait_for("All done.")
    (found,) = told(model)
    documents = {each["path"]: each for each in found["documents"]}
    assert documents == {
        str(cart): {
            "path": str(cart),
            "visible": True,
            "active": True,
            "selection": {"start": {"line": 4, "column": 19}, "end": {"line": 4, "column": 22}},
        },
        str(folder / "other.txt"): {"path": str(folder / "other.txt")},
    }


def test_language_servers_are_asked_and_a_renaming_is_one_undo(
    open_emacs: OpenEmacs, model: Loopback, cart: Path
) -> None:
    place = {"path": "cart.txt", "line": 4, "symbol": "total"}
    steps = [
        [use("definition", **place)],
        [use("symbols", path="cart.txt")],
        [use("references", **place)],
        [use("rename_symbol", **place, new_name="add")],
    ]
    model.add(reply("go", *steps, [say("All done.")]))
    emacs = opened(open_emacs)
    ask(emacs, "go")
    emacs.wait_for("All done.")
    definition, symbols, renamed = told(model)
    assert definition == {"places": [{"path": str(cart), "line": 1}]}
    assert symbols["symbols"][0]["kind"] == "function"
    assert "I do not know" in str(model.requests[-1].conversation)
    assert renamed == {"changed": [str(cart)]}
    assert cart.read_text() == CODE.replace("total", "add")
    emacs.wait_for("def add")
    emacs.keys("C-/")
    emacs.wait_for("def total")
