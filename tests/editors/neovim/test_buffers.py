"""The agent works on the text in the buffers: it reads, edits and saves what the user sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Step

    from .conftest import OpenNeovim, RunLua

DISK = "one\ntwo\nthree\n"
# What the user has beside the file, to tell what the plugin does: how often it is written, and how
# often Neovim finds that somebody else has written it.
USER = """
vim.bo.fileformat = 'unix'
local writes, strangers = { 0, 0 }, 0
vim.api.nvim_create_autocmd('BufWritePre', { callback = function()
  writes[1] = writes[1] + 1
  vim.cmd([[silent! keeppatterns %s/=\\(\\S\\)/= \\1/]])
end })
vim.api.nvim_create_autocmd('BufWritePost', { callback = function()
  writes[2] = writes[2] + 1
end })
vim.api.nvim_create_autocmd('FileChangedShell', { callback = function()
  strangers = strangers + 1
end })

local function lines(buf)
  return table.concat(vim.api.nvim_buf_get_lines(buf or 0, 0, -1, false), ' ')
end
"""


@pytest.fixture
def file(folder: Path, environment: dict[str, str]) -> Path:
    """A file that the agent may read and edit."""
    allow_tools(environment, "Edit", "Write")
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
    lua: RunLua, model: Loopback, file: Path
) -> None:
    model.add(reply("go", [read(file)], [edit(file, "typed", "seen")], [say("Done.")]))
    found = lua(
        f"""{USER}
        vim.cmd.edit('a.txt')
        local buf, window = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
        vim.api.nvim_buf_set_lines(buf, 0, 1, false, {{ 'typed', 'more' }})
        vim.api.nvim_win_set_cursor(0, {{ 3, 1 }})
        ask('ClaudeAgent ask go')
        local edited, modified = lines(buf), vim.bo[buf].modified
        local at = {{ window == vim.api.nvim_get_current_win(), vim.api.nvim_win_get_cursor(0) }}
        vim.cmd('silent undo')
        local once = lines(buf)
        vim.cmd('silent undo')
        return {{ edited = edited, modified = modified, at = at, once = once, twice = lines(buf),
          writes = writes, strangers = strangers }}
        """
    )
    assert "1\ttyped\n2\tmore\n3\ttwo" in told(model)
    assert (found["edited"], found["modified"]) == ("seen more two three", True)
    assert found["at"] == [True, [3, 1]]
    assert (found["once"], found["twice"]) == ("typed more two three", "one two three")
    assert (found["writes"], found["strangers"]) == ([0, 0], 0)
    assert file.read_text() == DISK


@pytest.mark.parametrize("hidden", [False, True])
def test_saved_buffer_is_edited_and_saved_once_with_all_that_saving_means(
    lua: RunLua, model: Loopback, file: Path, *, hidden: bool
) -> None:
    steps = [[read(file)], [edit(file, "two", "x=2")], [edit(file, "three", "y=3")]]
    model.add(reply("go", *steps, [say("Done.")]))
    found = lua(
        f"""{USER}
        vim.o.hidden, vim.o.autoread = true, false
        vim.cmd.edit('a.txt')
        local buf = vim.api.nvim_get_current_buf()
        if {str(hidden).lower()} then vim.cmd.edit('other.txt') end
        ask('ClaudeAgent ask go')
        vim.cmd.checktime()
        local edited, modified, written = lines(buf), vim.bo[buf].modified, vim.deepcopy(writes)
        vim.cmd.buffer(buf)
        vim.cmd('silent write')
        local undone = {{}}
        for _ = 1, 4 do
          vim.cmd('silent undo')
          table.insert(undone, lines(buf))
        end
        return {{ edited = edited, modified = modified, writes = written, undone = undone,
          strangers = strangers }}
        """
    )
    assert (found["edited"], found["modified"]) == ("one x= 2 y= 3", False)
    assert file.read_text() == "one\nx= 2\ny= 3\n"
    assert (found["writes"], found["strangers"]) == ([2, 2], 0)
    # The agent was told of it, too.
    assert "x= 2" in told(model)
    assert "one x= 2 three" in found["undone"]
    assert found["undone"][-1] == DISK.replace("\n", " ").strip()


def test_files_opened_later_and_those_that_cannot_be_edited_are_what_the_agent_sees(
    lua: RunLua, model: Loopback, file: Path, folder: Path
) -> None:
    (folder / "b").write_text("bee\n")
    later = folder / "b"
    model.add(reply("later", [read(later)], [edit(later, "typed", "seen")], [say("Done.")]))
    model.add(reply("viewed", [read(file)], [edit(file, "two", "2")], [say("Done.")]))
    found = lua(
        f"""{USER}
        ask('ClaudeAgent ask hello')
        vim.cmd.edit('b')
        vim.api.nvim_buf_set_lines(0, 0, -1, false, {{ 'typed' }})
        ask('ClaudeAgent ask later')
        local edited = lines(0)
        vim.cmd('silent view! a.txt')
        ask('ClaudeAgent ask viewed')
        return {{ edited = edited, viewed = lines(0), strangers = strangers }}
        """
    )
    assert (found["edited"], later.read_text()) == ("seen", "bee\n")
    # One that is only looked at is the disk's, and is read anew.
    assert found["viewed"] == "one 2 three"


@pytest.mark.parametrize(
    ("beforehand", "saved"),
    [
        ("", True),
        ("version = version - 1", False),
        ("vim.bo.readonly = true", False),
        ("vim.fn.writefile({ 'a stranger' }, 'a.txt')", False),
        ("vim.api.nvim_create_autocmd('BufWritePre', { command = 'throw no' })", False),
        ("uri = uri .. 'x'", False),
    ],
)
def test_buffer_is_saved_only_as_it_was_meant(
    lua: RunLua, file: Path, beforehand: str, *, saved: bool
) -> None:
    found = lua(
        f"""
        vim.cmd.edit('a.txt')
        ask('ClaudeAgent ask hello')
        vim.api.nvim_buf_set_lines(0, 0, 1, false, {{ 'typed' }})
        local uri, version = vim.uri_from_bufnr(0), vim.lsp.util.buf_versions[vim.fn.bufnr()]
        {beforehand}
        local server = vim.lsp.get_clients({{ name = 'claude_agent' }})[1]
        local params = {{ uri = uri, version = version }}
        return server.handlers['claudeAgent/saveDocument'](nil, params, {{ client_id = server.id }})
        """
    )
    assert found == {"saved": saved}
    assert ("typed" in file.read_text()) is saved


@shows(Ability.TYPING)
def test_what_is_typed_while_the_agent_edits_is_kept_and_undone_by_itself(
    open_neovim: OpenNeovim, model: Loopback, file: Path, folder: Path
) -> None:
    signs = [folder.parent / name for name in ("first", "second")]
    first, second = (
        call("Bash", command=f"until test -e {sign}; do sleep 0.05; done") for sign in signs
    )
    steps: list[list[Step]] = [
        [read(file)],
        [first],
        [edit(file, "three", "3")],
        [second],
        [edit(file, "3", "III")],
    ]
    model.add(reply("go", *steps, [say("Done.")]))
    terminal = open_neovim("a.txt")

    def wait_for(*lines: str) -> None:
        """Waits until the file's window begins with these lines."""
        terminal.wait_for(lambda screen: file_in(screen)[: len(lines)] == list(lines))

    terminal.type(":ClaudeAgent ask go", "Enter")
    terminal.wait_for("Running `until")
    terminal.type("A begun")
    wait_for("one begun", "two", "three")
    signs[0].touch()
    wait_for("one begun", "two", "3")
    terminal.type(" and ended", "Escape")
    wait_for("one begun and ended", "two", "3")
    signs[1].touch()
    wait_for("one begun and ended", "two", "III")
    terminal.wait_for("1 file changed")
    assert terminal.cursor == (len("one begun and ended") - 1, 0)
    assert file.read_text() == DISK
    # Each goes by itself, the newest first.
    terminal.type("u")
    wait_for("one begun and ended", "two", "3")
    terminal.type("u")
    wait_for("one begun", "two", "3")
    terminal.type("u")
    wait_for("one begun", "two", "three")
    terminal.type("u")
    wait_for("one", "two", "three")
    terminal.keys("C-r", "C-r", "C-r", "C-r")
    wait_for("one begun and ended", "two", "III")
    # Nobody else has written the file, so that nothing is asked.
    terminal.type(":write", "Enter")
    terminal.wait_for("written")
    assert file.read_text() == "one begun and ended\ntwo\nIII\n"


def file_in(screen: str) -> list[str]:
    """The lines of the window on the left."""
    return [line.partition("│")[0].rstrip() for line in screen.splitlines()]
