"""What the agent has changed is looked through in Neovim: listed, marked, kept and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import RunLua

REVIEW = """
local told = {}
vim.notify = function(words) table.insert(told, words) end

local function run(line, words)
  vim.cmd(line)
  local function said() return #told > 0 and told[#told]:find(words, 1, true) end
  assert(vim.wait(20000, said, 5), line .. vim.inspect(told))
end

local function lines(buf)
  return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), ' ')
end

local function signs(buf)
  local space = vim.api.nvim_get_namespaces().claude_agent_review
  return vim.tbl_map(function(mark)
    return mark[2] + 1
  end, vim.api.nvim_buf_get_extmarks(buf, space, 0, -1, {}))
end

ask('ClaudeAgent ask go')
vim.cmd('topleft split a.txt')
local buf = vim.api.nvim_get_current_buf()
vim.cmd('ClaudeAgent changes')
assert(vim.wait(20000, function() return vim.bo.buftype == 'quickfix' end, 5), vim.inspect(told))
local listed = vim.tbl_map(function(item)
  return ('%s:%d %s'):format(vim.fn.bufname(item.bufnr), item.lnum, item.text)
end, vim.fn.getqflist())
vim.cmd.cclose()
vim.api.nvim_set_current_win(vim.fn.bufwinid(buf))
"""


def test_hunks_are_listed_marked_kept_and_taken_back(
    lua: RunLua, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    notes = folder / "a.txt"
    notes.write_text("one\ntwo\nthree\nfour\nfive\n")
    command = "sed -i 's/two/2/;s/five/5/' a.txt"
    model.add(reply("go", [call("Bash", command=command)], [say("Done.")]))
    found = lua(
        REVIEW
        + """
        local first = signs(buf)
        vim.api.nvim_buf_set_lines(buf, 0, 0, false, { 'mine' })
        vim.bo.undolevels = vim.bo.undolevels -- as between two keys
        local moved = signs(buf)
        vim.api.nvim_win_set_cursor(0, { 3, 0 })
        run('ClaudeAgent undo', '1 taken back')
        local undone = lines(buf)
        assert(vim.wait(20000, function() return #signs(buf) == 1 end, 5), vim.inspect(signs(buf)))
        vim.cmd('silent undo')
        local by_key = lines(buf)
        vim.cmd('silent redo')
        run('ClaudeAgent reapply', '1 done again')
        local again = lines(buf)
        run('6ClaudeAgent keep', '1 kept')
        run('ClaudeAgent undo all', '1 taken back')
        local last = lines(buf)
        run('ClaudeAgent keep', 'nothing here that is still to be looked at')
        vim.cmd('silent write')
        return {
          listed = listed, first = first, moved = moved, undone = undone, by_key = by_key,
          again = again, last = last, left = signs(buf),
        }
        """
    )
    assert found["listed"] == ["a.txt:2 go, +1 -1", "a.txt:5 go, +1 -1"]
    assert (found["first"], found["moved"]) == ([2, 5], [3, 6])
    assert found["undone"] == "mine one two three four 5"
    assert found["by_key"] == "mine one 2 three four 5"
    assert found["again"] == "mine one 2 three four 5"
    assert found["last"] == "mine one two three four 5"
    assert not found["left"]
    assert notes.read_text() == "mine\none\ntwo\nthree\nfour\n5\n"


def test_what_can_not_be_taken_back_is_told(
    lua: RunLua, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    notes = folder / "a.txt"
    notes.write_text("one\ntwo\n")
    model.add(reply("go", [call("Bash", command="sed -i s/two/2/ a.txt")], [say("Done.")]))
    found = lua(
        REVIEW
        + """
        vim.api.nvim_buf_set_lines(buf, 1, 2, false, { 'mine' })
        run('ClaudeAgent undo all', 'a.txt stays as it is: the same lines have changed since')
        return { text = lines(buf) }
        """
    )
    assert found == {"text": "one mine"}
