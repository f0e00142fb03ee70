"""The agent asks Neovim: its diagnostics, what is shown, and its language servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Step

    from .conftest import RunLua

CODE = "def total(items):\n    return sum(items)\n\n\nprint('ü🛒', total([1]))\n"
# A language server inside Neovim, which counts bytes and, a while after each change, finds fault
# with each line that has "bad" in it. It knows what "total" is.
SERVER = """
local function places(buf, name)
  local found = {}
  for row, line in ipairs(vim.api.nvim_buf_get_lines(buf, 0, -1, false)) do
    local first, last = line:find(name, 1, true)
    if first then
      table.insert(found, { start = { line = row - 1, character = first - 1 },
        ['end'] = { line = row - 1, character = last } })
    end
  end
  return found
end

local asked = {}
local function language_server(dispatchers)
  local closing = false
  local function lint(uri)
    vim.defer_fn(function()
      local found = {}
      for _, range in ipairs(places(vim.uri_to_bufnr(uri), 'bad')) do
        table.insert(found,
          { range = range, message = 'this is bad', severity = 2, source = 'judge' })
      end
      local params = { uri = uri, diagnostics = found }
      dispatchers.notification('textDocument/publishDiagnostics', params)
    end, 300)
  end
  local answers = {
    initialize = function()
      return { capabilities = { positionEncoding = 'utf-8', textDocumentSync = 1,
        definitionProvider = true, referencesProvider = true, renameProvider = true,
        documentSymbolProvider = true, workspaceSymbolProvider = true } }
    end,
    shutdown = function() end,
    ['textDocument/definition'] = function(params)
      asked = params.position
      local uri = params.textDocument.uri
      return { { uri = uri, range = places(vim.uri_to_bufnr(uri), 'total')[1] } }
    end,
    ['textDocument/rename'] = function(params)
      local uri, edits = params.textDocument.uri, {}
      for _, range in ipairs(places(vim.uri_to_bufnr(uri), 'total')) do
        table.insert(edits, { range = range, newText = params.newName })
      end
      return { changes = { [uri] = edits } }
    end,
    ['textDocument/documentSymbol'] = function(params)
      local range = places(vim.uri_to_bufnr(params.textDocument.uri), 'total')[1]
      return { { name = 'total', kind = 12, range = range, selectionRange = range } }
    end,
  }
  return {
    request = function(method, params, callback)
      vim.schedule(function()
        local answer = answers[method]
        if not answer then
          return callback({ code = -32803, message = 'I do not know' })
        end
        callback(nil, answer(params))
      end)
      return true, 1
    end,
    notify = function(method, params)
      if method == 'textDocument/didOpen' or method == 'textDocument/didChange' then
        lint(params.textDocument.uri)
      end
      return true
    end,
    is_closing = function() return closing end,
    terminate = function() closing = true end,
  }
end

vim.cmd.edit('cart.py')
local buf = vim.api.nvim_get_current_buf()
vim.lsp.start({ name = 'judge', cmd = language_server, root_dir = vim.fn.getcwd() })
assert(vim.wait(5000, function() return #vim.lsp.get_clients({ name = 'judge' }) == 1 end, 5))
"""


@pytest.fixture
def cart(folder: Path) -> Path:
    path = folder / "cart.py"
    path.write_text(CODE)
    return path


def ask(tool: str, **given: Any) -> Step:
    return call(f"mcp__editor__{tool}", **given)


def told(model: Loopback) -> list[dict[str, Any]]:
    """What the tools have said, with the newest prompt."""
    texts = (said.text for said in model.requests[-1].conversation if said.role == "user")
    return [json.loads(text) for text in texts if text.startswith("{")]


@shows(Ability.DIAGNOSTICS)
def test_after_an_edit_the_diagnostics_of_the_new_text_are_told(
    lua: RunLua, model: Loopback, cart: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment, "Edit")
    cart.write_text(f"bad = 1\n{CODE}")
    edit = call("Edit", file_path=str(cart), old_string="bad = 1\n", new_string="a='ü🛒'; bad\n")
    steps: list[list[Step]] = [[ask("diagnostics")], [call("Read", file_path=str(cart))], [edit]]
    model.add(reply("go", *steps, [ask("diagnostics", path="cart.py")], [say("Done.")]))
    lua(
        f"""{SERVER}
        assert(vim.wait(5000, function() return #vim.diagnostic.get(buf) == 1 end, 5))
        ask('ClaudeAgent ask go')
        """
    )
    before, after = told(model)
    bad = {"line": 1, "severity": "warning", "message": "this is bad", "source": "judge"}
    assert before["files"][0]["diagnostics"] == [{**bad, "column": 1}]
    assert after["files"][0]["diagnostics"] == [{**bad, "column": 9}]
    assert after["files"][0]["version"] > before["files"][0]["version"]


def test_what_nobody_has_looked_at_is_unknown(lua: RunLua, model: Loopback, cart: Path) -> None:
    model.add(reply("go", [ask("diagnostics")], [say("Done.")]))
    lua("vim.cmd.edit('cart.py')\nask('ClaudeAgent ask go')")
    (found,) = told(model)
    assert found["files"][0]["known"] == "unknown"


def test_open_documents_are_told_as_the_windows_show_them(
    lua: RunLua, model: Loopback, cart: Path, folder: Path
) -> None:
    (folder / "other.py").write_text("x = 1\n")
    model.add(reply("go", [ask("open_documents")], [say("Done.")]))
    lua(
        """
        vim.o.hidden = true
        vim.cmd.edit('other.py')
        vim.cmd.edit('cart.py')
        vim.api.nvim_buf_set_lines(0, 0, 0, false, { '# typed' })
        vim.api.nvim_win_set_cursor(0, { 6, 14 })
        ask('ClaudeAgent ask go')
        """
    )
    (found,) = told(model)
    cursor = {"start": {"line": 6, "column": 11}}
    seen = {"path": str(cart), "unsaved": True, "visible": True, "active": True}
    documents = {each["path"]: each for each in found["documents"]}
    assert documents == {
        str(cart): {**seen, "selection": cursor},
        str(folder / "other.py"): {"path": str(folder / "other.py")},
    }


def test_language_servers_are_asked_and_a_renaming_is_one_undo(
    lua: RunLua, model: Loopback, cart: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment, "mcp__editor__rename_symbol")
    place = {"path": "cart.py", "line": 5, "symbol": "total"}
    steps = [
        [ask("definition", **place)],
        [ask("symbols", path="cart.py")],
        [ask("references", **place)],
        [ask("rename_symbol", **place, new_name="add")],
    ]
    model.add(reply("go", *steps, [say("Done.")]))
    found = lua(
        f"""{SERVER}
        ask('ClaudeAgent ask go')
        local function text()
          return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\\n') .. '\\n'
        end
        local renamed, modified = text(), vim.bo[buf].modified
        vim.api.nvim_buf_call(buf, function() vim.cmd('silent undo') end)
        return {{ renamed = renamed, modified = modified, undone = text(), asked = asked }}
        """
    )
    definition, symbols, renamed = told(model)
    assert definition == {"places": [{"path": str(cart), "line": 1}]}
    assert symbols["symbols"][0]["kind"] == "function"
    assert "I do not know" in str(model.requests[-1].conversation)
    assert renamed == {"changed": [str(cart)]}
    assert found["asked"] == {"line": 4, "character": 16}
    assert found["renamed"] == CODE.replace("total", "add") == cart.read_text()
    assert (found["modified"], found["undone"]) == (False, CODE)


@pytest.mark.parametrize(
    ("keys", "start", "end"),
    [("v", (1, 8), (1, 13)), ("V", (1, 0), (1, 16)), ("", (1, 12), (1, 12))],
)
def test_what_is_selected_is_told(
    lua: RunLua, cart: Path, keys: str, start: tuple[int, int], end: tuple[int, int]
) -> None:
    cart.write_text("# one\nü🛒= total(2)\n# three\n")
    found = lua(
        f"""
        vim.cmd.edit('cart.py')
        local server
        require('claude_agent.client').with(vim.fn.getcwd(), function(client) server = client end)
        assert(vim.wait(30000, function() return server end, 5))
        assert(vim.wait(5000, function() return server.attached_buffers[1] end, 5))
        vim.cmd('normal! 2G0fl{keys}{"4h" if keys else ""}')
        return require('claude_agent.knowledge').on_visible(nil, nil, {{ client_id = server.id }})
        """
    )
    (document,) = found["documents"]
    assert document["active"]
    ends = [document["selection"][name] for name in ("start", "end")]
    assert [(each["line"], each["character"]) for each in ends] == [start, end]


def test_a_place_is_shown_while_the_user_stays_where_they_are(
    lua: RunLua, model: Loopback, cart: Path, folder: Path
) -> None:
    (folder / "other.py").write_text("x = 1\n")
    model.add(reply("go", [ask("reveal", path="cart.py", line=5)], [say("Done.")]))
    found = lua(
        """
        vim.lsp.config('claude_agent',
          { settings = { claudeAgent = { editorTools = { 'reveal' } } } })
        vim.cmd.edit('other.py')
        local window = vim.api.nvim_get_current_win()
        ask('ClaudeAgent ask go')
        local shown = vim.fn.bufwinid('cart.py')
        return { stays = window == vim.api.nvim_get_current_win(),
          at = vim.api.nvim_win_get_cursor(shown), here = vim.api.nvim_buf_get_name(0) }
        """
    )
    assert told(model) == [{"shown": str(cart), "line": 5}]
    assert found == {"stays": True, "at": [5, 0], "here": str(folder / "other.py")}
