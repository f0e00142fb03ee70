"""What the agent says and does, while it comes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .stage import ended, message, result, run, text, tool

if TYPE_CHECKING:
    from .stage import View

MARKDOWN = """# Title

A paragraph with **bold**, *italic*, `code` and [a link](src/app.py#L3).
It goes on in a second line.

Setext
------

- one
- two
  1. inner
  2. inner two

  still two
- three

> quoted
> twice

```python
def f(a):
    # says
    return "a" + b
```

    indented code

| a | b |
|---|--:|
| 1 | 2 |

See [later][ref].

***

~~gone~~ https://example.org/x and `src/app.py:12`

[ref]: docs/later.md
"""
HTML = 'element => element.innerHTML.replace(/ id="[^"]*"/g, \'\')'


def test_a_compaction_and_a_blocked_prompt_are_told(view: View) -> None:
    view.conversation()
    view.events(
        {"kind": "compacted", "trigger": "auto", "tokensBefore": 90_000, "tokensAfter": 2_000},
        ended(blocked={"reason": "no", "kept": False, "hint": "Change the <b>prompt</b>."}),
    )
    notice = view.page.locator(".notice")
    expect(notice).to_contain_text("The conversation was compacted, from 90k tokens to 2k.")
    expect(view.page.locator(".outcome .blocked")).to_have_text("Change the <b>prompt</b>.")


@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_what_grows_ends_as_what_was_said_at_once(view: View, size: int) -> None:
    view.conversation(message("assistant", MARKDOWN))
    whole = view.answers.locator(".markdown").evaluate(HTML)
    view.conversation()
    parts = [MARKDOWN[at : at + size] for at in range(0, len(MARKDOWN), size)]
    for at in range(0, len(parts), 10):
        view.events(*(text(part) for part in parts[at : at + 10]))
        view.page.evaluate("new Promise((resolve) => requestAnimationFrame(resolve))")
    view.events(ended())
    expect(view.page.locator(".outcome")).to_be_visible()
    assert view.answers.locator(".markdown").evaluate(HTML) == whole


def test_what_is_complete_stays_the_same_element_with_its_selection(view: View) -> None:
    view.events(text("First *words* of it"))
    first = view.answers.locator("p").first
    expect(first).to_have_text("First words of it")
    first.evaluate("element => { element.kept = true; getSelection().selectAllChildren(element); }")
    view.events(text(" go on.\n\nThen "), text("others."))
    expect(view.answers.locator("p")).to_have_count(2)
    assert view.page.evaluate("getSelection().toString()").startswith("First words of it")
    assert first.evaluate("element => element.kept")


def test_code_is_in_colours_and_can_be_copied_and_inserted(view: View) -> None:
    view.events(text("```python\ndef f():\n    return 1\n```\nDone."))
    expect(view.answers.locator(".code .hljs-keyword").first).to_have_text("def")
    view.button("Copy").click()
    view.button("Insert at Cursor").click()
    assert view.wait_said("copy") == {"type": "copy", "text": "def f():\n    return 1"}
    assert view.wait_said("insert") == {"type": "insert", "text": "def f():\n    return 1"}


def test_thinking_is_folded_and_can_be_read(view: View) -> None:
    view.events({"kind": "thinking", "messageId": "m1", "text": "Let me see."})
    thinking = view.page.locator(".thinking")
    expect(thinking.locator("summary")).to_have_text("Thinking…")
    expect(thinking.get_by_text("Let me see.")).to_be_hidden()
    view.events(text("So."))
    expect(thinking.locator("summary")).to_have_text(re.compile("^Thought for"))
    thinking.locator("summary").click()
    expect(thinking.get_by_text("Let me see.")).to_be_visible()


def test_a_tool_call_folds_and_shows_what_it_was_given_and_what_came(view: View) -> None:
    view.events(tool("Bash", command="make test"))
    call = view.page.locator("details.tool")
    expect(call).to_have_attribute("data-status", "running")
    expect(call.locator("summary")).to_contain_text("Running make test")
    expect(call.locator(".tool-body")).to_be_hidden()
    call.locator("summary").click()
    expect(call.locator(".code code")).to_have_text("make test")
    view.events(result("3 passed"))
    expect(call).to_have_attribute("data-status", "completed")
    expect(call.locator("summary")).to_contain_text("Ran make test")
    expect(call.locator(".output")).to_have_text("3 passed")


@pytest.mark.parametrize("status", ["failed", "denied"])
def test_a_tool_call_that_did_not_succeed_says_so(view: View, status: str) -> None:
    view.events(tool("Read", file_path="/project/a.py"), result("no", status=status))
    expect(view.page.locator("details.tool summary")).to_contain_text(f"a.py{status}")


def test_a_tool_call_without_a_result_is_stopped_with_its_run(view: View) -> None:
    view.events(tool("Bash", command="sleep 9"), ended("cancelled"))
    expect(view.page.locator("details.tool summary")).to_contain_text("stopped")
    expect(view.page.locator(".outcome")).to_contain_text("Stopped")


def test_what_a_subagent_does_stands_below_its_call(view: View) -> None:
    view.events(
        tool("Task", "parent", description="Look around", prompt="Look."),
        {**tool("Read", "child", file_path="/project/a.py"), "parentToolCallId": "parent"},
    )
    expect(view.page.locator(".tool-inner details.tool summary")).to_contain_text("Reading a.py")


NESTED = {"parentToolCallId": "parent"}


def test_what_a_subagent_says_is_a_line_below_its_call_and_unfolds(view: View) -> None:
    view.events(
        tool("Agent", "parent", description="Look around", prompt="Look."),
        text("Meanwhile I ", "m2"),
        {"kind": "thinking", "messageId": "n0", "text": "Where is it?", **NESTED},
        {**text("I *look*.\n\nIt is\n\n- here", "n1"), **NESTED},
        {**tool("Read", "child", file_path="/project/a.py"), **NESTED},
        text("go on.", "m2"),
        {**text("I have seen.", "n2"), **NESTED},
        result("Seen.", "parent"),
    )
    inner = view.page.locator(".tool-inner")
    lines = inner.locator(".nested-words > summary > span:last-child, .tool-title")
    expect(lines).to_have_text(
        ["Thought", "I *look*. It is - here", re.compile("a.py"), "I have seen."]
    )
    # What the agent itself says meanwhile is not torn.
    expect(view.answers).to_have_text(["Meanwhile I go on."])
    expect(inner.locator("li")).to_be_hidden()
    inner.get_by_text("I *look*.").click()
    expect(inner.locator("li")).to_have_text("here")
    expect(inner.locator("em")).to_have_text("look")


def test_words_of_a_subagent_whose_call_is_not_here_are_no_answer(view: View) -> None:
    view.conversation()
    view.events({**text("I look.", "n1"), **NESTED})
    expect(view.page.locator(".nested-words summary")).to_have_text("I look.")
    expect(view.answers).to_have_count(0)


def test_an_edit_shows_its_lines_and_opens_in_the_diff_editor(view: View) -> None:
    edit = tool("Edit", file_path="/project/a.py", old_string="one\ntwo", new_string="one\n2\n3")
    view.events({**edit, "locations": [{"uri": "file:///project/a.py", "range": None}]})
    call = view.page.locator("details.tool")
    expect(call.locator(".counts")).to_have_text("+2 \u22121")
    call.locator("summary").click()
    expect(call.locator(".diff-line.removed")).to_have_text("-two")
    expect(call.locator(".diff-line.added")).to_have_text(["+2", "+3"])
    view.button("Open Diff of a.py").click()
    assert view.wait_said("openDiff")["toolCallId"] == "t1"
    view.button("Open a.py").click()
    assert view.wait_said("openFile")["uri"] == "file:///project/a.py"


def test_a_list_of_things_to_do_is_a_list(view: View) -> None:
    todos = [{"content": "look", "status": "completed"}, {"content": "fix", "status": "pending"}]
    view.events(tool("TodoWrite", todos=todos), result("Todos have been modified"))
    expect(view.page.locator(".todos li")).to_have_text(["look, done", "fix, to do"])
    expect(view.page.locator(".output")).to_have_count(0)


def test_links_to_files_lead_to_their_line(view: View) -> None:
    view.events(text("[app](src/app.py#L3) and `src/app.py:12`, not `os.path` or `a = b/c`."))
    links = view.answers.get_by_role("link")
    expect(links).to_have_count(2)
    links.nth(0).click()
    assert view.wait_said("openLink")["href"] == "src/app.py#L3"
    links.nth(1).focus()
    view.press("Enter")
    assert view.wait_said("openLink", 2)["href"] == "src/app.py:12"


def test_an_end_tells_what_was_changed_and_used(view: View) -> None:
    view.events(ended(filesChanged=["file:///project/my%20file.py"]))
    outcome = view.page.locator(".outcome")
    expect(outcome).to_contain_text("Done")
    expect(outcome).to_contain_text("12 s · 12k tokens in, 340 out · $0.04")
    outcome.get_by_role("button", name="my file.py").click()
    assert view.wait_said("openFile")["uri"] == "file:///project/my%20file.py"


def test_an_error_has_its_hint_and_can_be_asked_again(view: View) -> None:
    view.conversation(steps=[{"kind": "prompt", "prompt": "Do it", "context": []}])
    error = {"reason": "rateLimited", "message": "Too much.", "hint": "Wait a little."}
    view.events(ended("failed", error=error))
    failure = view.page.locator(".failure")
    expect(failure).to_contain_text("Too much.")
    expect(failure).to_contain_text("Wait a little.")
    failure.get_by_role("button", name="Try Again").click()
    view.wait_said("again")


def test_a_failure_of_the_server_has_its_hint(view: View) -> None:
    step = {"kind": "failure", "message": "The server has ended.", "hint": "Restart it."}
    view.tell("steps", steps=[step])
    expect(view.page.locator(".failure")).to_contain_text("Restart it.")
    expect(view.page.get_by_role("alert")).to_contain_text("The server has ended. Restart it.")


def test_an_error_is_told_once_and_figures_only_if_there_are_any(view: View) -> None:
    nothing = dict.fromkeys(run()["usage"], 0)
    error = {"reason": "modelError", "message": "API Error: 400 No.", "hint": "Change it."}
    notice = {"kind": "notice", "level": "error", "text": "API Error: 400 No", "messageId": "n"}
    failed = run("failed", error=error, usage=nothing, costUsd=0)
    other = {**notice, "text": "Another", "messageId": "o"}
    view.events(other, notice, {"kind": "ended", "run": failed})
    read = [
        message("system", each["text"], kind="notice", level="error") for each in (other, notice)
    ]
    outcome = message("system", "", kind="outcome", run=failed)
    for again in (False, True):
        if again:
            view.conversation(*read, outcome)
        expect(view.page.locator(".notice")).to_have_text("Another")
        expect(view.transcript.get_by_text("API Error: 400 No")).to_have_count(1)
        expect(view.page.locator(".outcome-line")).to_have_text("Failed12 s")


def test_a_notice_is_told(view: View) -> None:
    view.events({"kind": "notice", "level": "warning", "text": "The model is busy; asking again"})
    expect(view.page.locator(".notice[data-level=warning]")).to_contain_text("asking again")


def test_a_run_shows_what_it_does_and_is_stopped_by_button_and_by_escape(view: View) -> None:
    expect(view.button("Stop")).to_be_hidden()
    view.state(running=True, line="Reading `app.py`")
    expect(view.page.locator(".running-line")).to_contain_text("Reading app.py")
    view.button("Stop").click()
    view.wait_said("stop")
    view.prompt.focus()
    view.press("Escape")
    view.wait_said("stop", 2)
    view.state()
    expect(view.button("Stop")).to_be_hidden()
    view.press("Escape")
    view.button("Attach Files").click()
    view.wait_said("attachDialog")
    assert len(view.said("stop")) == 2


def test_context_and_cost_are_shown_and_add_up(view: View) -> None:
    usage = {"kind": "usage", "contextTokens": 31_200, "contextWindow": 200_000, "costUsd": 0.04}
    view.events(usage)
    meter = view.page.get_by_role("meter", name="Context used")
    expect(meter).to_have_attribute("aria-valuenow", "16")
    view.events(ended(costUsd=0.04), {**usage, "costUsd": 0.03})
    expect(view.page.locator(".usage .cost")).to_have_text("$0.07")


def test_a_session_that_was_read_shows_its_tools_and_thoughts(view: View) -> None:
    calls = [
        {
            "toolCallId": "a",
            "tool": "Bash",
            "input": {"command": "ls"},
            "status": "completed",
            "text": "a.py",
        },
        {
            "toolCallId": "b",
            "tool": "Read",
            "input": {"file_path": "/x/b.py"},
            "status": None,
            "text": None,
        },
    ]
    view.conversation(
        message("user", "Look."),
        message("assistant", "Looking.", thinking="Hm.", toolCalls=calls),
    )
    expect(view.page.locator(".prompt-text")).to_have_text("Look.")
    expect(view.page.locator(".thinking summary")).to_have_text("Thought")
    expect(view.page.locator("details.tool summary")).to_have_text(
        [re.compile("Ran ls"), re.compile("b.pystopped")]
    )


def test_what_the_agent_begins_by_itself_says_why(view: View) -> None:
    run = {"cause": "`make test` has ended.", "origin": "agent"}
    view.events({"kind": "started", "run": run}, text("It is green."))
    notice = view.page.locator(".notice[data-level=info]")
    expect(notice).to_have_text("make test has ended.")
    expect(view.page.locator(".answer").last).to_have_text("It is green.")


def test_words_of_an_answer_that_broke_off_are_struck_out(view: View) -> None:
    view.events(
        text("It stands.\n\n"),
        text("It does *not*"),
        {"kind": "retracted", "messageId": "other", "text": "It stands."},
        {"kind": "retracted", "messageId": "m1", "text": "It does *not*"},
        {"kind": "notice", "level": "warning", "text": "It broke off."},
        text("Anew."),
        ended(),
    )
    struck = view.page.locator("del.retracted")
    expect(struck).to_have_text("It does not")
    assert struck.evaluate("element => getComputedStyle(element).textDecorationLine") == (
        "line-through"
    )
    expect(view.answers).to_have_count(2)
    expect(view.answers.first).to_contain_text("It stands.")
    expect(view.answers.last).to_have_text("Anew.")


def test_each_block_is_written_from_where_its_first_letter_is(view: View) -> None:
    words = "שלום עולם\n\nhello\n\n- אחת\n- two\n\n```sh\nmake שלום\n```\n"
    direction = "(one) => getComputedStyle(one).direction"
    for part in (words[:3], words[3:40], words[40:]):
        view.events(text(part))
    view.events(ended())
    blocks = {"p >> nth=0": "rtl", "p >> nth=1": "ltr", "ul": "rtl", ".code pre": "ltr"}
    for selector, wanted in blocks.items():
        assert view.answers.locator(selector).evaluate(direction) == wanted, selector
    for field in (view.prompt, view.page.locator(".prompt-text")):
        if field.count():
            expect(field).to_have_attribute("dir", "auto")
