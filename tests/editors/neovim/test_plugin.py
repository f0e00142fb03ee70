"""The plugin's parts, in a Neovim without a screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, fail, reply, say, think, tokens
from tests.e2e.runs import allow_tools
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


def test_conversation_is_compacted_and_cleared_and_goes_on_in_a_new_session(lua: RunLua) -> None:
    found = lua(
        """
        ask('ClaudeAgent ask remember the code PINEAPPLE-42')
        local before = talk().session
        ask('ClaudeAgent ask /compact')
        local compacted = talk().session
        ask('ClaudeAgent ask /clear')
        local cleared = talk().session
        ask('ClaudeAgent ask which code?')
        local sessions = { before, compacted, cleared, talk().session }
        return { sessions = sessions, text = text() }
        """
    )
    before, compacted, cleared, after = found["sessions"]
    assert (before == compacted, compacted == cleared, cleared == after) == (True, False, True)
    assert re.search(r"_The conversation was compacted, from \d+ tokens to \d+\._", found["text"])
    assert "_The conversation was cleared;" in found["text"]
    assert "I don't know." in found["text"]


def test_session_is_found_marked_exported_and_imported(
    lua: RunLua, model: Loopback, tmp_path: Path
) -> None:
    model.add(reply("look", [say("One line.\nThe heron stands.")]))
    found = lua(
        """
        local told, shown = {}, nil
        vim.notify = function(text) table.insert(told, text) end
        vim.ui.select = function(items, opts, choose)
          shown = vim.tbl_map(opts.format_item, items)
          choose(nil)
        end
        local function run(line, done)
          vim.cmd(line)
          assert(vim.wait(20000, done, 20), line .. vim.inspect(told))
        end
        local function said(words)
          return function() return #told > 0 and told[#told]:find(words, 1, true) end
        end
        ask('ClaudeAgent ask look around')
        local session = talk().session
        run('ClaudeAgent search HERON', function() return shown end)
        local lines = shown
        run('ClaudeAgent search osprey', said('nothing was said here'))
        run('ClaudeAgent pin', said('is pinned.'))
        shown = nil
        run('ClaudeAgent sessions', function() return shown end)
        local pinned = shown[1]
        run('ClaudeAgent pin no', said('pinned no more'))
        run('ClaudeAgent archive', said('is archived.'))
        run('ClaudeAgent sessions', said('no sessions yet'))
        run('ClaudeAgent archive no', said('archived no more'))
        run('ClaudeAgent export x.doc', said('.html or .jsonl'))
        run('ClaudeAgent export OUT/page.html', said('page.html'))
        run('ClaudeAgent export OUT/it.jsonl', said('it.jsonl'))
        run('ClaudeAgent import OUT/it.jsonl', said('0, 1 here already'))
        run('ClaudeAgent import OUT/page.html', said('holds no conversation'))
        return { lines = lines, pinned = pinned }
        """.replace("OUT", str(tmp_path))
    )
    (line,) = found["lines"]
    assert line.endswith(": The heron stands.")
    assert "pinned" in found["pinned"]
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "it.jsonl").read_text().startswith("{")


def test_files_are_put_back_after_a_look_and_forward_again(
    lua: RunLua, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    (folder / "a.txt").write_text("one\ntwo\n")
    model.add(reply("go", [call("Bash", command="sed -i s/two/2/ a.txt")], [say("Done.")]))
    found = lua(
        """
        local told, shown, answers = {}, {}, {}
        vim.notify = function(text) table.insert(told, text) end
        vim.ui.select = function(items, opts, choose)
          local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
          table.insert(shown, { prompt = opts.prompt, text = table.concat(lines, '\\n') })
          choose(items[table.remove(answers, 1)])
        end
        local function run(line, choices, words)
          answers = choices
          vim.cmd(line)
          local function said() return #told > 0 and told[#told]:find(words, 1, true) end
          assert(vim.wait(20000, said, 20), line .. vim.inspect(told))
        end
        local function held() return table.concat(vim.fn.readfile('a.txt'), ' ') end
        vim.cmd.badd('a.txt')
        ask('ClaudeAgent ask go')
        local windows = #vim.api.nvim_list_wins()
        local first = held()
        run('ClaudeAgent rewind', { 1, 1 }, '1 file put back')
        local second = held()
        run('ClaudeAgent redo', { 1 }, '1 file as before the rewind')
        assert(#vim.api.nvim_list_wins() == windows)
        run('ClaudeAgent redo', {}, 'has no rewind to be redone')
        return { first = first, second = second, third = held(), shown = shown }
        """
    )
    assert (found["first"], found["second"], found["third"]) == ("one 2", "one two", "one 2")
    prompts, back, forward = found["shown"]
    assert prompts["prompt"] == "Put files back as they were before:"
    assert "\n-2\n+two" in back["text"]
    assert "\n-two\n+2" in forward["text"]


def test_what_a_subagent_says_and_does_stands_below_its_call_live_and_read_back(
    lua: RunLua, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    task = {"description": "look", "prompt": "LOOK around", "subagent_type": "general-purpose"}
    delegate = call("Agent", **task, run_in_background=False)
    look = call("Bash", command="echo seen")
    model.add(reply("go", [say("I delegate."), delegate], [say("All done.")]))
    model.add(reply("LOOK", [say("I look.\nIn there."), look], [say("I have seen.")]))
    found = lua(
        """
        ask('ClaudeAgent ask go')
        local live, session = text(), talk().session
        vim.cmd.bdelete({ args = { talk().page.buf } })
        vim.cmd('ClaudeAgent resume ' .. session)
        assert(vim.wait(30000, function() return talk() and text():find('All done.') end, 5))
        return { live = live, read = text() }
        """
    )
    for shown in found.values():
        wanted = ("I delegate.", "  ▸ I look.\nIn there.\n  ▸ ", "  ▸ I have seen.\n", "All done.")
        places = [shown.index(words) for words in wanted]
        assert places == sorted(places), shown
        assert shown.index("▸ ") < places[1]
        assert shown.count("LOOK around") == 1, "what it was asked stands in its call alone"
        assert "## You\n\nLOOK" not in shown


def test_words_of_a_subagent_do_not_tear_what_the_agent_says_meanwhile(lua: RunLua) -> None:
    found = lua(
        """
        ask('ClaudeAgent ask hello')
        local events, it = require('claude_agent.run_events'), talk()
        local function tell(event) events[event.kind](it, event, '') end
        local function call(id, parent)
          tell({ kind = 'toolCall', toolCallId = id, title = id, input = { command = 'run ' .. id },
            parentToolCallId = parent })
        end
        local function words(parent, said)
          tell({ kind = 'text', messageId = said, text = said, parentToolCallId = parent })
        end
        call('outer')
        tell({ kind = 'text', messageId = 'own', text = 'All ' })
        words('outer', 'one')
        call('inner', 'outer')
        words('inner', 'two\\nlines')
        words('outer', 'three')
        tell({ kind = 'toolResult', toolCallId = 'inner', status = 'completed', text = 'in' })
        tell({ kind = 'text', messageId = 'own', text = 'done.' })
        tell({ kind = 'toolResult', toolCallId = 'outer', status = 'completed', text = 'out' })
        words('gone', 'orphan')
        return text()
        """
    )
    wanted = """▸ outer (done)
$ run outer
out
  ▸ one
  ▸ inner (done)
$ run inner
in
    ▸ two
lines
  ▸ three

All done.

  ▸ orphan"""
    assert found.partition("OK.")[2].strip() == wanted


@pytest.mark.parametrize("waiting", [False, True])
def test_run_is_stopped_for_what_is_asked_in_its_place(
    lua: RunLua, model: Loopback, *, waiting: bool
) -> None:
    found = lua(
        f"""
        vim.cmd('ClaudeAgent ask count slowly')
        assert(vim.wait(30000, function() return text():find('word3') end, 5))
        if {str(waiting).lower()} then
          vim.cmd('ClaudeAgent ask say later')
          assert(vim.wait(30000, function() return #talk().queue == 1 end, 5))
        end
        vim.cmd('ClaudeAgent instead which code?')
        assert(vim.wait(30000, function() return text():find("I don't know") end, 5), text())
        idle()
        return {{ text = text(), waits = #talk().queue }}
        """
    )
    wanted = ("count slowly", "_Stopped._", "which code?", "I don't know.")
    places = [found["text"].index(words) for words in wanted]
    assert places == sorted(places)
    assert "say later" not in found["text"]
    assert found["waits"] == waiting, "what waits is kept, as after any stop"
    assert model.requests[0].hung_up is not None


def test_what_is_asked_instead_of_nothing_is_asked(lua: RunLua) -> None:
    assert "OK." in lua("ask('ClaudeAgent instead hello') return text()")


def test_session_that_was_cleared_is_not_come_back_to_after_a_restart(lua: RunLua) -> None:
    session = lua(
        """
        ask('ClaudeAgent ask remember the code PINEAPPLE-42')
        ask('ClaudeAgent ask /clear')
        return talk().session
        """
    )
    found = lua(
        """
        vim.cmd('ClaudeAgent resume')
        assert(vim.wait(30000, function() return talk() ~= nil end, 5))
        local empty, opened = text(), talk().session
        ask('ClaudeAgent ask which code?')
        local answered = talk().session
        local titles
        vim.ui.select = function(items)
          titles = vim.tbl_map(function(session) return session.title end, items)
        end
        vim.cmd('ClaudeAgent sessions')
        assert(vim.wait(30000, function() return titles ~= nil end, 5))
        return { empty = empty, sessions = { opened, answered }, text = text(), titles = titles }
        """
    )
    assert (found["empty"], found["sessions"]) == ("", [session, session])
    assert "I don't know." in found["text"]
    assert found["titles"] == ["which code?", "remember the code PINEAPPLE-42"]


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
        f"return require('claude_agent.question_text').of(vim.json.decode([==[{sent}]==]))",
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


def test_what_runs_in_the_background_is_chosen_followed_and_stopped(
    lua: RunLua, model: Loopback, environment: dict[str, str]
) -> None:
    settings = Path(environment["CLAUDE_CONFIG_DIR"], "settings.json")
    settings.parent.mkdir(exist_ok=True)
    settings.write_text('{"permissions": {"allow": ["Bash"]}}')
    serves = "seq 1 3; until test -e go; do sleep 0.05; done; echo more; sleep 1000"
    begins = call("Bash", command=serves, run_in_background=True)
    model.add(reply("in the background", [begins], [say("It is running.")]))
    found = lua(
        """
        local told, offered = {}, {}
        vim.notify = function(message) table.insert(told, message) end
        vim.ui.select = function(items, opts, choose)
          local format = opts.format_item or tostring
          table.insert(offered, vim.tbl_map(format, items))
          choose(items[1], 1)
        end
        ask('ClaudeAgent ask do it in the background')
        idle()
        vim.cmd('ClaudeAgent tasks')
        local function shown() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end
        assert(vim.wait(30000, function() return shown()[1] == '1' end, 5))
        local before = shown()
        vim.fn.writefile({}, 'go')
        assert(vim.wait(30000, function() return vim.tbl_contains(shown(), 'more') end, 5))
        local name = vim.api.nvim_buf_get_name(0)
        vim.api.nvim_feedkeys('x', 'xt', false)
        assert(vim.wait(30000, function() return #told > 0 end, 5))
        return { before = before, offered = offered, told = told[#told], name = name }
        """
    )
    assert found["before"] == ["1", "2", "3", ""]
    assert found["offered"][0][0].startswith(f"{serves}  (running, ")
    assert found["offered"][1] == ["Show its output", "Stop it"]
    assert found["name"].startswith("claude-agent-task://")
    assert found["told"].startswith(f"Claude: {serves}  (stopped, ")


def test_usage_and_mcp_servers_are_told(lua: RunLua) -> None:
    told = lua(
        """
        local told = {}
        vim.notify = function(message) table.insert(told, message) end
        for number, name in ipairs({ 'usage', 'mcp' }) do
          vim.cmd('ClaudeAgent ' .. name)
          assert(vim.wait(30000, function() return #told == number end, 5))
        end
        return told
        """
    )
    assert re.match(r"Claude: the context is \d+ % full \(\d+ of \d+ tokens\)\.$", told[0])
    assert told[1] == "Claude: this folder has no MCP servers."


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
    subcommands = lua("return require('claude_agent.command').names()")
    for name in subcommands:
        assert f":ClaudeAgent-{name}" in named
    # Neovim's own tags aside, each link leads somewhere.
    own = {link for link in re.findall(r"\|([^|\s]+)\|", page) if "laude" in link}
    assert own <= named


def test_words_of_an_answer_that_broke_off_are_struck_out(lua: RunLua, model: Loopback) -> None:
    model.add(reply("go", say("It stands.\nIt does\nnot. "), fail(529, times=1), say("Anew.")))
    found = lua(
        """
        ask('ClaudeAgent ask go')
        local buf = talk().page.buf
        local space = vim.api.nvim_get_namespaces().claude_agent
        local struck = {}
        local marks = vim.api.nvim_buf_get_extmarks(buf, space, 0, -1, { details = true })
        for _, mark in ipairs(marks) do
          if mark[4].hl_group == 'ClaudeAgentRetracted' then
            struck = vim.api.nvim_buf_get_text(
              buf, mark[2], mark[3], mark[4].end_row, mark[4].end_col, {})
          end
        end
        return { struck = struck, text = text() }
        """
    )
    assert found["struck"] == ["It stands.", "It does", "not. "]
    shown = found["text"]
    assert "broke off" in shown
    assert shown.index("broke off") < shown.rindex("Anew.")


def test_what_is_no_message_stands_between_the_messages(lua: RunLua) -> None:
    told = lua(
        """
        local function entry(role, text, kind)
          return { role = role, text = text, kind = kind, toolCalls = {} }
        end
        local lines, blocks = require('claude_agent.history').render({
          entry('user', '/context'),
          entry('assistant', '9 tokens', 'command'),
          entry('system', 'All\\nin short', 'compaction'),
          entry('system', 'A line is missing.', 'gap'),
          entry('assistant', 'Half'),
          entry('system', '[Request interrupted by user]', 'interrupted'),
          entry('system', 'It has\\nended.', 'woken'),
          entry('assistant', 'So it has.'),
        }, '/')
        return { lines = lines, blocks = blocks }
        """,
        bare=True,
    )
    assert [line for line in told["lines"] if line] == [
        "## You",
        "/context",
        "## Claude",
        "9 tokens",
        "▸ Compacted: what Claude was left with",
        "All",
        "in short",
        "_A line is missing._",
        "Half",
        "_Stopped._",
        "## Claude",
        "_It has ended._",
        "So it has.",
    ]
    ((first, last),) = told["blocks"]
    assert told["lines"][first - 1 : last] == [
        "▸ Compacted: what Claude was left with",
        "All",
        "in short",
    ]


def test_list_says_where_a_session_is_from_and_when_it_goes(lua: RunLua) -> None:
    found = lua(
        """
        local function described(more)
          return require('claude_agent.sessions').describe(vim.tbl_extend('force', {
            sessionId = 'a',
            title = 'A',
            workspace = 'file:///old/a%20b',
            lastModified = '2020-01-02T03:04:05.000Z',
          }, more))
        end
        return {
          plain = described({}),
          gone = described({ elsewhere = 'gone', goesAt = '2026-02-03T04:05:06.000Z' }),
          worktree = described({ elsewhere = 'worktree' }),
        }
        """,
        bare=True,
    )
    assert re.fullmatch(r"  A  \(\d+ days ago\)", found["plain"])
    assert "(from /old/a b, which is gone, deleted on 2026-02-03, " in found["gone"]
    assert "(in /old/a b, " in found["worktree"]


CODE = """
vim.lsp.enable('claude_agent')
vim.cmd.edit('app.py')
local server
assert(vim.wait(30000, function()
  server = vim.lsp.get_clients({ bufnr = 0, name = 'claude_agent' })[1]
  return server and server.initialized
end, 5), 'the server is not attached')
"""


def test_code_action_asks_about_what_is_not_saved_where_the_user_sees_it(
    lua: RunLua, model: Loopback, folder: Path
) -> None:
    (folder / "app.py").write_text("alpha = 1\n")
    (folder / ".git").mkdir()
    model.add(reply("Explain line 1 of `app.py`", say("It is omega.")))
    found = lua(
        CODE
        + """
        vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'omega = 1' })
        local range = { start = { 1, 0 }, ['end'] = { 1, 5 } }
        vim.lsp.buf.code_action({
          apply = true,
          range = range,
          filter = function(action) return action.title == 'Explain with Claude' end,
        })
        assert(vim.wait(30000, talk, 5), 'there is no conversation')
        assert(vim.wait(30000, function() return text():find('omega%.') end, 5), text())
        idle()
        return { text = text(), windows = #vim.fn.win_findbuf(talk().page.buf) }
        """
    )
    assert "Explain line 1 of `app.py`." in found["text"]
    assert found["windows"] == 1
    assert "omega" in told(model, "Explain line 1")


def test_review_is_listed_and_shown_and_the_commit_gets_its_message(
    lua: RunLua, model: Loopback, folder: Path
) -> None:
    (folder / "app.py").write_text("alpha = 1\n")
    for words in (("init", "-b", "main"), ("add", ".")):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    finding = {"file": "app.py", "line": 1, "summary": "Alpha is wrong", "severity": "error"}
    model.add(
        reply("Review ", [call("StructuredOutput", findings=[finding])], [say("Done.")]),
        reply("Write the message", [call("StructuredOutput", message="Add\n\nIt.")], [say("Ok.")]),
    )
    found = lua(
        CODE
        + """
        vim.cmd('ClaudeAgent review')
        assert(vim.wait(30000, function() return #vim.fn.getqflist() > 0 end, 5), 'nothing found')
        local item = vim.fn.getqflist()[1]
        local diagnostics = vim.diagnostic.get(item.bufnr)
        vim.cmd("new")
        vim.bo.filetype = 'gitcommit'
        vim.api.nvim_buf_set_lines(0, 0, -1, false, { '# comments' })
        vim.cmd('ClaudeAgent commit')
        local function written() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end
        assert(vim.wait(30000, function() return #written() > 1 end, 5), 'no message')
        return {
          item = { item.lnum, item.type, item.text },
          shown = vim.tbl_map(function(each) return each.source end, diagnostics),
          message = written(),
        }
        """
    )
    assert found["item"] == [1, "E", "Alpha is wrong"]
    assert found["shown"] == ["claude"]
    assert found["message"] == ["Add", "", "It.", "# comments"]
