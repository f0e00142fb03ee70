"""The plugin's parts, in a Neovim without a screen."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say, think, tokens
from tests.editors.abilities import Ability, shows

from .conftest import PLUGIN

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback, Step

    from .conftest import RunLua


def told(model: Loopback, prompt: str) -> str:
    """All that the model was told with a prompt, and since."""
    request = next(request for request in model.requests if prompt in request.prompt)
    return "\n".join(said.text for said in request.conversation)


def test_start_up_loads_nothing_and_starts_no_server(lua: RunLua) -> None:
    found = lua(
        """
        local loaded = vim.tbl_filter(function(name)
          return name:find('^claude_agent') or name:find('^vim%.lsp')
        end, vim.tbl_keys(package.loaded))
        return { there = vim.fn.exists(':ClaudeAgent'), loaded = loaded }
        """,
        bare=True,
    )
    assert found == {"there": 2, "loaded": {}} or found == {"there": 2, "loaded": []}


def test_command_completes_its_subcommands_and_their_words(lua: RunLua) -> None:
    found = lua(
        """
        ask('ClaudeAgent ask hello')
        local function complete(line) return vim.fn.getcompletion(line, 'cmdline') end
        return {
          all = complete('ClaudeAgent '),
          range = complete('1,2ClaudeAgent as'),
          mode = complete('ClaudeAgent mode p'),
          resume = complete('ClaudeAgent resume '),
          session = talk().session,
        }
        """
    )
    assert {"ask", "resume", "sessions", "stop", "new", "doctor", "mode"} <= set(found["all"])
    assert found["range"] == ["ask"]
    assert found["mode"] == ["plan"]
    assert found["resume"] == [found["session"]]


@shows(Ability.CONTEXT)
def test_selection_is_told_to_the_agent_as_the_user_sees_it(
    lua: RunLua, model: Loopback, folder: Path
) -> None:
    (folder / "app.py").write_text("one = 1\ntwo = 2\nthree = 3\nfour = 4\n")
    shown = lua(
        """
        vim.cmd.edit('app.py')
        ask('2,3ClaudeAgent ask explain')
        vim.api.nvim_buf_set_lines(0, 1, 2, false, { 'two = "not saved"' })
        ask("2,3ClaudeAgent ask what now")
        return text()
        """
    )
    saved, unsaved = told(model, "explain"), told(model, "what now").partition("what now")[2]
    assert "two = 2\nthree = 3" in saved
    assert "four" not in saved
    assert 'two = "not saved"\nthree = 3' in unsaved
    assert "> app.py:2-3" in shown


def test_denial_carries_the_users_reason(lua: RunLua, model: Loopback, folder: Path) -> None:
    model.add(reply("make one", [call("Bash", command="touch one")], [say("Tried.")]))
    found = lua(
        """
        local shown
        vim.ui.select = function(items, opts, choose)
          shown = { opts.prompt, vim.tbl_map(opts.format_item, items) }
          choose(items[#items])
        end
        vim.ui.input = function(_, confirm) confirm('Use mkdir.') end
        ask('ClaudeAgent ask make one')
        return { shown = shown, text = text() }
        """
    )
    prompt, labels = found["shown"]
    assert "\n\n    touch one" in prompt
    assert labels[0] == "Deny"
    assert not (folder / "one").exists()
    assert "Use mkdir." in "\n".join(said.text for said in model.requests[-1].conversation)
    assert "(denied" in found["text"]


QUESTION = {
    "kind": "permission",
    "title": "Run `rm -r x`?",
    "detail": "Only for who can't read the fields",
    "options": [{"value": "deny", "label": "Deny"}, {"value": "allow", "label": "Allow once"}],
    "action": {"tool": "Bash", "subject": "rm -r x"},
    "notes": [],
    "grants": {"session": [], "always": []},
}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param(
            {
                "action": {
                    "command": "rm -r x\n│ Always: %s\necho \\u202e",
                    "description": "Tidy up\n    rm y",
                },
                "notes": ["In the background", "shell: zsh"],
                "reason": "Not in a rule %1",
                "grants": {
                    "session": [{"text": "`rm *`"}, {"text": "all edits"}, {"text": "`rm *`"}],
                    "always": [{"text": "`rm *`"}],
                    "savedIn": ".claude/settings.local.json",
                },
            },
            "    rm -r x\n    │ Always: %s\n    echo \\u202e\n> Tidy up\n>     rm y\n"
            "In the background\nshell: zsh\nNot in a rule %1\n\n"
            "For this session: `rm *`, all edits\nAlways: `rm *`, in .claude/settings.local.json",
            id="command",
        ),
        pytest.param(
            {"action": {"path": "a.txt"}, "diff": "@@ -1 +1 @@\n-a\n+b"},
            "a.txt\n@@ -1 +1 @@\n-a\n+b",
            id="edit",
        ),
        pytest.param(
            {"action": {"command": "é" * 2001}},
            f"    {'é' * 2000}\n… (1 more characters)",
            id="long",
        ),
        pytest.param(
            {"kind": "trust", "action": {"path": "/x" * 2000}, "notes": ["n" * 3000]},
            "/x" * 2000 + "\n" + "n" * 3000,
            id="trust",
        ),
        pytest.param({"action": None}, QUESTION["detail"], id="no fields"),
        pytest.param({}, QUESTION["detail"], id="nothing in them"),
    ],
)
def test_question_says_all_that_its_fields_say(
    lua: RunLua, fields: dict[str, object], text: str
) -> None:
    question = {**QUESTION, **fields}
    sent = json.dumps({name: value for name, value in question.items() if value is not None})
    shown = lua(
        f"return require('claude_agent.questions').text(vim.json.decode([==[{sent}]==]))",
        bare=True,
    )
    assert shown == text


CHOICES = [
    {
        "question": "Which database",
        "header": "DB",
        "multiSelect": False,
        "options": [
            {"label": "Postgres", "description": "big"},
            {"label": "SQLite", "description": "small"},
        ],
    },
    {
        "question": "Which parts?",
        "header": "Parts",
        "multiSelect": True,
        "options": [{"label": name, "description": name.lower()} for name in "ABC"],
    },
]


def test_agents_own_questions_are_shown_as_they_are_and_answered(
    lua: RunLua, model: Loopback
) -> None:
    model.add(reply("ask me", [call("AskUserQuestion", questions=CHOICES)], [say("I see.")]))
    shown = lua(
        """
        local wanted = { 'Something else', 'A', 'C', 'Done' }
        local shown = {}
        vim.ui.select = function(items, opts, choose)
          table.insert(shown, { opts.prompt, vim.tbl_map(opts.format_item, items) })
          local wish = table.remove(wanted, 1)
          choose(vim.iter(items):find(function(item) return opts.format_item(item) == wish end))
        end
        vim.ui.input = function(_, confirm) confirm('MongoDB, please') end
        ask('ClaudeAgent ask ask me')
        return shown
        """
    )
    told = "\n".join(said.text for said in model.requests[-1].conversation)
    assert '"Which database"="MongoDB, please"' in told
    assert re.search(r'"Which parts\?"="(A, C|C, A)"', told)
    assert [prompt.partition("\n")[0] for prompt, _ in shown] == [
        "Which database",
        *["Which parts?"] * 3,
    ]
    assert "SQLite: small" in shown[0][0]
    assert shown[0][1] == ["Don't answer", "Postgres", "SQLite", "Something else"]
    assert shown[2][1] == ["Don't answer", "B", "C", "Done", "Something else"]
    assert "Chosen: A" in shown[2][0]


def test_plan_is_beside_the_text_until_it_is_decided(lua: RunLua, model: Loopback) -> None:
    model.add(reply("plan it", [call("ExitPlanMode", plan="# The plan")], [say("I see.")]))
    found = lua(
        """
        local function markdown()
          return #vim.tbl_filter(function(win)
            return vim.bo[vim.api.nvim_win_get_buf(win)].filetype == 'markdown'
          end, vim.api.nvim_list_wins())
        end
        local found = { before = markdown() }
        vim.ui.select = function(items, opts, choose)
          found.during, found.prompt = markdown(), opts.prompt
          found.labels = vim.tbl_map(opts.format_item, items)
          choose(items[1])
        end
        ask('ClaudeAgent mode plan')
        ask('ClaudeAgent ask plan it')
        found.after = markdown()
        return found
        """
    )
    assert found["prompt"] == "Carry out this plan?"
    assert (found["labels"][0], found["labels"][-1]) == (
        "Keep planning",
        "Keep planning, and say why",
    )
    assert found["during"] == found["before"] + 1
    assert found["after"] == found["before"]


def test_resumed_conversation_is_the_one_that_was_streamed_with_its_folds(
    lua: RunLua, model: Loopback, folder: Path
) -> None:
    path = str(folder / "a.txt")
    (folder / "a.txt").write_text("red\n")
    edit = call("Edit", file_path=path, old_string="red", new_string="green")
    model.add(reply("paint", [say("Now:"), call("Read", file_path=path)], [edit], [say("Done.")]))
    found = lua(
        """
        local function folded()
          vim.cmd('ClaudeAgent')
          local closed = {}
          for lnum = 1, vim.fn.line('$') do
            if vim.fn.foldclosed(lnum) == lnum then
              table.insert(closed, vim.fn.getline(lnum))
            end
          end
          return closed
        end
        vim.cmd('ClaudeAgent mode acceptEdits')
        ask('ClaudeAgent ask paint')
        local streamed, first = text(), folded()
        local session = talk().session
        vim.cmd.bwipeout({ bang = true })
        vim.cmd('ClaudeAgent resume ' .. session)
        assert(vim.wait(30000, function() return vim.bo.filetype == 'claude_agent' end, 5))
        vim.cmd.wincmd('p')
        return { streamed = streamed, first = first, resumed = text(), second = folded() }
        """
    )
    assert [line.split(" (")[0] for line in found["first"]] == [
        "▸ Reading a.txt",
        "▸ Editing a.txt",
    ]
    assert len(found["second"]) == 2
    assert "- red\n+ green" in found["streamed"]
    # The server's titles are not in the transcript.
    titles = re.compile(r"^▸ .*$", re.MULTILINE)
    assert titles.sub("▸", found["resumed"]).rstrip() == titles.sub("▸", found["streamed"]).rstrip()


@pytest.mark.parametrize("command", ["bwipeout", "bdelete", "bunload", "edit"])
def test_conversation_whose_buffer_is_given_up_in_mid_run_is_resumed_whole(
    lua: RunLua, model: Loopback, command: str
) -> None:
    first: list[Step] = [think("Red."), call("Bash", command="true")]
    then: list[Step] = [tokens(200, pace=0.005), say("Done.")]
    model.add(reply("paint", first, then))
    found = lua(
        f"""
        vim.cmd('ClaudeAgent ask paint')
        assert(vim.wait(30000, function() return text():find('word3') end, 5))
        local session = talk().session
        vim.cmd('ClaudeAgent')
        vim.cmd.{command}({{ bang = true }})
        local conversation = require('claude_agent.conversation')
        assert(vim.wait(30000, function() return not conversation.at_work() end, 5))
        vim.cmd('ClaudeAgent resume ' .. session)
        assert(vim.wait(30000, function() return vim.bo.filetype == 'claude_agent' end, 5))
        vim.cmd.wincmd('p')
        local said = vim.api.nvim_exec2('messages', {{ output = true }}).output
        return {{ resumed = text(), said = said }}
        """
    )
    assert "Error" not in found["said"], found["said"]
    assert "## You\n\npaint" in found["resumed"]
    assert "word199" in found["resumed"]
    assert found["resumed"].rstrip().endswith("Done.")


@pytest.mark.parametrize("stops", [False, True])
def test_what_the_agent_does_by_itself_is_shown_with_its_cause_and_can_be_stopped(
    lua: RunLua, model: Loopback, environment: dict[str, str], stops: bool
) -> None:
    settings = Path(environment["CLAUDE_CONFIG_DIR"], "settings.json")
    settings.parent.mkdir(exist_ok=True)
    settings.write_text('{"permissions": {"allow": ["Bash"]}}')
    ends: Step = call(
        "Bash", command="until test -e go; do sleep 0.05; done", run_in_background=True
    )
    goes_on = tokens(5000, pace=0.01) if stops else say("It is done.")
    model.add(reply("in the background", [ends], [say("It is running.")], [goes_on]))
    found = lua(
        f"""
        ask('ClaudeAgent ask do it in the background')
        vim.fn.writefile({{}}, 'go')
        assert(vim.wait(30000, function() return talk().state == 'running' end, 5))
        local doing = talk().activity
        if {json.dumps(stops)} then
          assert(vim.wait(30000, function() return text():find('word3') end, 5))
          vim.cmd('ClaudeAgent stop')
        end
        idle()
        return {{ text = text(), doing = doing, activity = talk().activity }}
        """
    )
    assert found["doing"] == "`until test -e go; do sleep 0.05; done` has ended."
    _, _, own = found["text"].partition("## Claude\n\n_`until test -e go; do sleep 0.05; done`")
    assert own.startswith(" has ended._\n\n" + ("word0" if stops else "It is done."))
    assert found["activity"].startswith("Stopped" if stops else "Done")


def test_conversation_survives_the_end_of_its_server(lua: RunLua) -> None:
    found = lua(
        """
        ask('ClaudeAgent ask remember the code PINEAPPLE-42')
        vim.cmd('ClaudeAgent ask count slowly')
        assert(vim.wait(30000, function() return text():find('word3') end, 5))
        local status = vim.lsp.get_clients()[1]:request_sync(
          'workspace/executeCommand', { command = 'claudeAgent.status' }, 30000)
        vim.uv.kill(status.result.server.pid, 'sigkill')
        idle()
        local failed = text()
        assert(vim.wait(30000, function() return #vim.lsp.get_clients() == 0 end, 5))
        ask('ClaudeAgent ask which code?')
        return { failed = failed, text = text(), status = agent.statusline() }
        """
    )
    assert "**Failed**: the server has ended." in found["failed"]
    assert found["text"].endswith("## Claude\n\nPINEAPPLE-42")
    assert found["status"].startswith("Claude: Done")


def test_stop_before_the_server_has_started_asks_nothing(lua: RunLua, model: Loopback) -> None:
    found = lua(
        """
        vim.cmd('ClaudeAgent ask count slowly')
        vim.cmd('ClaudeAgent stop')
        idle()
        ask('ClaudeAgent ask hello')
        return text()
        """
    )
    assert found.endswith("hello\n\n## Claude\n\nOK.")
    assert [request.prompt for request in model.requests if not request.own] == ["hello"]


def test_missing_server_is_told_with_what_to_do(lua: RunLua) -> None:
    found = lua(
        """
        vim.lsp.config('claude_agent', { cmd = { 'no-such-program' } })
        ask('ClaudeAgent ask hello')
        vim.cmd('ClaudeAgent doctor')
        local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')
        vim.cmd('tabclose')
        return { text = text(), health = health }
        """
    )
    assert "no-such-program is not on your PATH. Run :checkhealth claude_agent" in found["text"]
    assert "pipx install ." in found["health"]


def test_health_tells_what_the_servers_doctor_finds(lua: RunLua) -> None:
    found = lua(
        """
        vim.cmd('checkhealth claude_agent')
        return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')
        """
    )
    assert "OK CLI: " in found
    assert "OK Transcripts: " in found


def test_file_under_the_cursor_is_opened_beside_the_conversation(
    lua: RunLua, model: Loopback, folder: Path
) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("one\ntwo\nthree\n")
    model.add(reply("where", say("It is in `src/app.py:2`, I think.")))
    found = lua(
        """
        ask('ClaudeAgent ask where')
        vim.cmd('ClaudeAgent')
        vim.fn.search('app.py')
        vim.cmd.normal('gf')
        return {
          name = vim.api.nvim_buf_get_name(0),
          line = vim.fn.line('.'),
          windows = vim.fn.winnr('$'),
        }
        """
    )
    assert found["name"].endswith("src/app.py")
    assert (found["line"], found["windows"]) == (2, 2)


def test_folder_is_trusted_no_longer_and_trusted_again(
    lua: RunLua, folder: Path, environment: dict[str, str]
) -> None:
    told = lua(
        """
        local told = {}
        vim.notify = function(message) table.insert(told, message) end
        for _, answer in ipairs({ 'no', 'yes' }) do
          local before = #told
          vim.cmd('ClaudeAgent trust ' .. answer)
          assert(vim.wait(30000, function() return #told > before end, 5))
        end
        return told
        """
    )
    assert [message.rpartition(" is ")[2] for message in told] == ["not trusted.", "trusted."]
    state = Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp" / "trust.json"
    decided = json.loads(state.read_text())
    assert {path: decision["trusted"] for path, decision in decided.items()} == {str(folder): True}


def test_help_has_its_tags_and_names_every_subcommand(lua: RunLua, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "doc", tmp_path / "help" / "doc")
    tags = lua(
        f"""
        vim.cmd('helptags {tmp_path}/help/doc')
        return vim.fn.readfile('{tmp_path}/help/doc/tags')
        """
    )
    named = {line.split("\t")[0] for line in tags}
    assert {"claude-agent", ":ClaudeAgent", "claude_agent.statusline()"} <= named
    page = (PLUGIN / "doc" / "claude-agent.txt").read_text()
    for name in ("ask", "new", "stop", "resume", "sessions", "answer", "mode", "trust", "doctor"):
        assert f":ClaudeAgent-{name}" in named
    # Neovim's own tags aside, each link leads somewhere.
    own = {link for link in re.findall(r"\|([^|\s]+)\|", page) if "laude" in link}
    assert own <= named
