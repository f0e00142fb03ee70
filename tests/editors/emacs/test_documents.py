"""The agent works on the text in the buffers: it reads, edits and saves what the user sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows

from .conftest import ask, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Step

    from .conftest import OpenEmacs

DISK = "one\ntwo\nthree\n"


@pytest.fixture
def file(folder: Path, environment: dict[str, str]) -> Path:
    """A file that the agent may read and edit."""
    allow_tools(environment, "Edit", "Write")
    (folder / ".git").mkdir()
    path = folder / "a.txt"
    path.write_text(DISK)
    return path


def read(file: Path) -> Step:
    return call("Read", file_path=str(file))


def edit(file: Path, old: str, new: str) -> Step:
    return call("Edit", file_path=str(file), old_string=old, new_string=new)


def told(model: Loopback) -> str:
    """All that the model was told with the newest prompt."""
    return "\n".join(said.text for said in model.requests[-1].conversation)


@shows(Ability.UNSAVED)
def test_unsaved_text_is_what_the_agent_reads_and_edits_and_one_undo_takes_that_back(
    open_emacs: OpenEmacs, model: Loopback, file: Path
) -> None:
    model.add(reply("go", [read(file)], [edit(file, "typed", "seen")], [say("All done.")]))
    emacs = open_emacs("a.txt")
    emacs.wait_for("three")
    emacs.type("typed ")
    emacs.keys("C-n")
    emacs.wait_for("typed one")
    at = emacs.cursor
    ask(emacs, "go")
    emacs.wait_for("All done.")
    screen = emacs.wait_for("seen one")
    assert emacs.cursor == at
    assert "1\ttyped one\n2\ttwo" in told(model)
    assert file.read_text() == DISK
    assert "a.txt" in screen
    emacs.keys("C-/")
    emacs.wait_for("typed one")
    emacs.keys("C-x", "C-s")
    emacs.wait_for("Wrote")
    assert file.read_text() == f"typed {DISK}"


@pytest.mark.parametrize("shown", [True, False])
def test_saved_buffer_is_edited_and_saved_once_with_all_that_saving_means(
    open_emacs: OpenEmacs, model: Loopback, init: Path, file: Path, *, shown: bool
) -> None:
    init.write_text(
        init.read_text()
        + """
(defvar saves 0)
(add-hook 'before-save-hook
          (lambda ()
            (setq saves (1+ saves))
            (save-excursion
              (goto-char (point-min))
              (when (search-forward "=2" nil t) (replace-match "= 2")))))
"""
    )
    steps = [[read(file)], [edit(file, "two", "x=2")], [edit(file, "x= 2", "y=3")]]
    model.add(reply("go", *steps, [say("All done.")]))
    emacs = open_emacs("a.txt")
    emacs.wait_for("three")
    if not shown:
        evaluate(emacs, '(progn (switch-to-buffer "*scratch*") (cd (expand-file-name "./")))')
        emacs.wait_without("three")
    ask(emacs, "go")
    emacs.wait_for("All done.")
    assert file.read_text() == "one\ny=3\nthree\n"
    evaluate(
        emacs,
        '(with-current-buffer "a.txt" (message "%s saved %d times, %s %s" (buffer-name) saves'
        " (buffer-modified-p) (verify-visited-file-modtime)))",
    )
    emacs.wait_for("a.txt saved 2 times, nil t")
    # It is changed and saved further, and nothing is asked.
    evaluate(emacs, '(switch-to-buffer "a.txt")')
    emacs.wait_for("y=3")
    emacs.type("more ")
    emacs.wait_for("more one")
    emacs.keys("C-x", "C-s")
    emacs.wait_for("Wrote")
    assert file.read_text() == "more one\ny=3\nthree\n"


@shows(Ability.TYPING)
def test_what_is_typed_while_the_agent_edits_is_kept_and_undone_by_itself(
    open_emacs: OpenEmacs, model: Loopback, file: Path, folder: Path
) -> None:
    sign = folder.parent / "sign"
    waits = call("Bash", command=f"until test -e {sign}; do sleep 0.05; done")
    model.add(reply("go", [read(file)], [waits], [edit(file, "three", "III")], [say("All done.")]))
    emacs = open_emacs("a.txt")
    emacs.wait_for("three")
    ask(emacs, "go")
    emacs.wait_for("until test")
    emacs.keys("C-e")
    emacs.type(" begun")
    emacs.wait_for("one begun")
    sign.touch()
    emacs.wait_for("III")
    emacs.type(" and ended")
    emacs.wait_for("one begun and ended")
    emacs.wait_for("All done.")
    assert file.read_text() == DISK
    # Each goes by itself, the newest first.
    emacs.keys("C-/")
    emacs.wait_for(lambda screen: "one begun" in screen and "ended" not in screen)
    assert "III" in emacs.screen()
    emacs.keys("C-/")
    screen = emacs.wait_for("\nthree")
    assert "one begun" in screen
    emacs.keys("C-/")
    emacs.wait_without("begun")
