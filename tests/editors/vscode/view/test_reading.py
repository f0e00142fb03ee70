"""A session that was read shows what is no message as what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .stage import ended, message, run

if TYPE_CHECKING:
    from .stage import View


def test_what_is_no_message_stands_between_the_messages(view: View) -> None:
    view.conversation(
        message("user", "/context"),
        message("assistant", "9 tokens", 1, kind="command"),
        message("system", "All in short", 2, kind="compaction"),
        message("system", "A line is missing.", 3, kind="gap"),
        message("assistant", "Half", 4),
        message("system", "[Request interrupted by user]", 5, kind="interrupted"),
        message("system", "A task has ended.", 6, kind="woken"),
        message("assistant", "So it has.", 7),
    )
    expect(view.page.locator(".entry.waiting")).to_have_count(0)
    shown = view.page.locator(".transcript").inner_text()
    wanted = [
        "/context",
        "9 tokens",
        "Compacted: what Claude was left with",
        "A line is missing.",
        "Half",
        "Stopped",
        "A task has ended.",
        "So it has.",
    ]
    places = [shown.index(words) for words in wanted]
    assert places == sorted(places)
    assert "[Request" not in shown
    # The summary is the CLI's, folded, and nobody's words.
    expect(view.page.locator(".prompt")).to_have_count(1)
    expect(view.page.get_by_text("All in short")).to_be_hidden()
    view.unfold()
    expect(view.page.get_by_text("All in short")).to_be_visible()
    # What is missing is a warning.
    expect(view.page.locator(".notice[data-level=warning]")).to_have_text("A line is missing.")


def test_run_is_read_as_it_was_shown(view: View) -> None:
    """Its outcome, its notices, what went with its prompt, and words that were retracted."""
    outcome = run(filesChanged=["file:///p/cart.py"])
    notice = {"kind": "notice", "level": "warning", "text": "Trying again."}
    prompt = {"kind": "prompt", "prompt": "Mend it", "context": ["cart.py:3-5"]}
    words = {"kind": "event", "event": {"kind": "text", "messageId": "a", "text": "Mended."}}
    view.conversation(
        steps=[
            prompt,
            {"kind": "event", "event": notice},
            words,
            {"kind": "event", "event": ended(filesChanged=["file:///p/cart.py"])},
        ]
    )
    expect(view.page.locator(".outcome")).to_have_count(1)
    shown = view.page.locator(".transcript").inner_text()
    view.conversation(
        message("user", "Mend it", labels=["cart.py:3-5"]),
        message("system", "Trying again.", 1, kind="notice", level="warning"),
        message("assistant", "Mended.", 2),
        message("system", "Done", 3, kind="outcome", run=outcome),
    )
    expect(view.page.locator(".entry.waiting")).to_have_count(0)
    view.until("text => document.querySelector('.transcript').innerText === text", shown)
    for words_of_it in ("Done", "$0.04", "cart.py:3-5", "1 file changed"):
        assert words_of_it in shown
    view.conversation(message("system", "Half an answer", kind="retracted", retracts="m"))
    expect(view.page.locator("del.retracted")).to_have_text("Half an answer")


def call(identifier: str, tool: str = "Agent") -> dict[str, Any]:
    """A tool call as it was read."""
    return {
        "toolCallId": identifier,
        "tool": tool,
        "input": {"description": identifier, "prompt": "Look."},
        "status": "completed",
        "text": "Seen.",
    }


def test_what_subagents_said_and_did_stands_below_their_calls(view: View) -> None:
    outer, inner = {"parentToolCallId": "outer"}, {"parentToolCallId": "inner"}
    view.conversation(
        message("user", "go"),
        message("assistant", "I delegate.", 1, toolCalls=[call("outer")]),
        message("user", "Look.", 2, **outer),
        message("assistant", "I look.", 3, thinking="Hm.", toolCalls=[call("inner")], **outer),
        message("assistant", "So do I.", 4, **inner),
        # An id that comes twice does not turn the tree into a circle.
        message("assistant", "I have seen.", 5, toolCalls=[call("outer")], **outer),
        message("assistant", "All done.", 6),
        message("assistant", "Of nobody here.", 7, parentToolCallId="gone"),
    )
    expect(view.page.locator(".entry.waiting")).to_have_count(0)
    expect(view.page.locator(".prompt")).to_have_count(1)
    expect(view.answers).to_have_text(["I delegate.", "All done."])
    lines = ".nested-words > summary > span:last-child"
    expect(view.page.locator(f".entry > .tool-card > .tool-inner > {lines}")).to_have_text(
        ["Thought", "I look.", "I have seen."]
    )
    expect(view.page.locator(f".tool-inner .tool-inner > {lines}")).to_have_text("So do I.")
    expect(view.page.locator(f".entry > {lines}")).to_have_text("Of nobody here.")
