"""What a question is about is read before it is allowed: whole, at any size."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .stage import choice, grants, question

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from .conftest import OpenView
    from .stage import View

# Twice the zoom is half the pixels of CSS.
SIZES = [
    *((80, 380), (105, 190), (160, 760), (160, 300), (210, 380), (300, 700), (420, 760)),
    *((600, 400), (1200, 760), (1200, 200)),
]
READ_AT = SIZES[2::2]
END = "rm -rf ~/work"
LONG = "\n".join(f"echo step {each} && make part-{each}" for each in range(60))
PLAN = (
    "# Plan\n\n- a\n  - b\n    - c\n      - d\n        - e\n          - f\n            - g\n\n"
    "> > > > > quoted\n\n"
    + "".join("|" + cell * 12 + "\n" for cell in (" name of it |", "---|", f" {END} |"))
    + f"\n```sh\n{'x' * 200} && {END}\n```\n\n`{'y' * 200}` https://a.test/{'z' * 200}\n\n{END}"
)


def read(view: View) -> None:
    """Scrolls through a question as often as it takes: a busy browser misses what goes by."""
    for _ in range(20):
        view.page.evaluate(READ)
        with contextlib.suppress(AssertionError):
            expect(view.button("Allow once")).to_be_enabled(timeout=1_000)
            return
    expect(view.button("Allow once")).to_be_enabled()


def command(words: str, **fields: Any) -> dict[str, Any]:
    """A question about a command."""
    action = {"subject": words[:80], "tool": "Bash", "command": words}
    return question(title=f"Run `{words[:80]}`?", detail=words[:500], action=action, **fields)


def edit(path: str, *lines: str) -> dict[str, Any]:
    """A question about an edit that adds lines."""
    diff = "\n".join(("--- a", "+++ a", f"@@ -1,0 +1,{len(lines)} @@", *(f"+{x}" for x in lines)))
    return question(
        title="Edit a?", action={"subject": "a", "tool": "Edit", "path": path}, diff=diff
    )


ASKED = {
    "short": command("make test"),
    "chained": command(f"find . -name '*.pyc' -print0 && git clean -n -d -x && {END}"),
    "one word": command(f"{'x' * 600}{END}"),
    "blanks": command(f"make test{' ' * 300}; {END}"),
    "empty lines": command("make test" + "\n" * 100 + END),
    "tabs": command("make\t\ttest\t" * 30 + END),
    "many lines": command(f"{LONG}\n{END}"),
    "wide letters": command("把所有文件都删除干净" * 20 + END),
    "right to left": command(f"echo {'שלום עולם ' * 20} && {END}"),
    "path": question(action={"subject": "a", "tool": "Read", "path": f"/{'deep/' * 60}{END}"}),
    "diff": edit(f"/{'deep/' * 20}a", "    " * 20 + "x = 1", "y" * 300, *["z = 2"] * 20, END),
    "plan": question(kind="plan", title="Carry out this plan?", document=PLAN),
    "other": question(
        action={"subject": "far", "tool": f"mcp__{'far' * 20}"},
        notes=[f"name: {'x' * 200}", f"script: {LONG[:200]}\n{END}"],
        reason="because " * 30,
        grants=grants(f"`{'make' * 40} *`", saved_in=f"{'deep/' * 20}settings.json"),
    ),
}

# Of each word of the card: where it is cut sideways, and whether it is in view now.
LOOK = r"""() => {
    const boxes = new Map();
    const boxesOf = (element) => {
        if (element === null) return [{left: 0, top: 0, right: innerWidth, bottom: innerHeight}];
        if (!boxes.has(element)) {
            const clips = getComputedStyle(element).overflow !== 'visible';
            const own = clips ? [element.getBoundingClientRect()] : [];
            boxes.set(element, [...own, ...boxesOf(element.parentElement)]);
        }
        return boxes.get(element);
    };
    const card = document.querySelector('.question');
    const cut = [];
    let inView = true;
    const texts = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
        const asked = text.parentElement.closest('.question-body') !== null;
        for (const {0: word, index} of text.data.matchAll(/\S+/g)) {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            for (const part of range.getClientRects()) {
                for (const box of boxesOf(text.parentElement)) {
                    const sideways = part.left < box.left - 1 || part.right > box.right + 1;
                    const below = part.top < box.top - 1 || part.bottom > box.bottom + 1;
                    if (sideways) cut.push(word);
                    if (asked && (sideways || below)) inView = false;
                }
            }
        }
    }
    const [deny, ...allow] = [...card.querySelectorAll('[data-answer]')];
    const told = card.querySelector('.question-actions .hint')?.textContent ?? '';
    return {
        cut, inView, told,
        deny: !deny.disabled,
        allow: allow.filter((each) => !each.disabled).length,
        text: card.querySelector('.question-body').textContent,
    };
}"""
MEASURED = """(id) => {
    const [, allow] = document.querySelectorAll('.question [data-answer]');
    const told = document.querySelector('.question-actions .hint')?.textContent ?? '';
    return !allow.disabled || told !== '';
}"""
# As somebody does who reads: less than what can be seen, and then the next of it.
READ = """async () => {
    const body = document.querySelector('.question-body');
    const dock = document.querySelector('.questions');
    body.scrollTop = dock.scrollTop = 0;
    for (let before = -1; before < body.scrollTop + dock.scrollTop; ) {
        before = body.scrollTop + dock.scrollTop;
        body.scrollTop += body.clientHeight * 0.8;
        dock.scrollTop += dock.clientHeight * 0.8;
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
    }
}"""
FRAME = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
SCROLL_TO = "(height) => { document.querySelector('.question-body').scrollTop = height; }"


@pytest.fixture
def detail(view: View) -> Locator:
    """What the question is about."""
    return view.card.get_by_role("group", name="Detail", exact=True)


def resize(view: View, width: int, height: int) -> None:
    """Gives the view another size, and waits until it has it."""
    view.page.set_viewport_size({"width": width, "height": height})
    view.until(
        "([width, height]) => innerWidth === width && innerHeight === height", [width, height]
    )
    view.page.evaluate(FRAME)


def ask(view: View, asked: dict[str, Any], identifier: str = "q1") -> None:
    """Opens a question, and waits until it is known what of it can be seen."""
    view.tell("questions", questions=[])
    view.open_questions({**asked, "questionId": identifier})
    view.until(MEASURED)


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_cut_and_nothing_is_allowed_before_all_of_it_was_in_view(
    view: View, name: str
) -> None:
    view.state(running=True, line="Waiting for you")
    for width, height in SIZES:
        resize(view, width, height)
        view.tell("questions", questions=[])
        view.tell("questions", questions=[ASKED[name]])
        view.until(MEASURED)
        seen = view.page.evaluate(LOOK)
        where = f"{name} at {width}x{height}: {seen}"
        assert name == "short" or END in seen["text"], where
        assert seen["cut"] == [], where
        assert seen["deny"], where
        allowed = seen["allow"] == 2
        # The frame around the last letters may be out of view when they are in it.
        assert seen["inView"] or not allowed, where
        assert seen["told"] == ("" if allowed else "Scroll to the end to allow"), where
        if (width, height) in READ_AT:
            read(view)
            assert view.page.evaluate(LOOK)["told"] == "", where


def test_what_is_short_is_allowed_at_once(open_view: OpenView) -> None:
    view = open_view(size=(300, 700))
    ask(view, ASKED["chained"])
    expect(view.button("Allow once")).to_be_enabled()
    expect(view.button("Show all")).to_be_hidden()
    expect(view.page.get_by_role("status")).to_be_empty()


def test_a_long_command_is_read_and_allowed_by_keys(view: View, detail: Locator) -> None:
    ask(view, ASKED["many lines"])
    status = view.page.get_by_role("status")
    expect(view.button("Deny")).to_be_focused()
    expect(status).to_have_text("Scroll to the end to allow")
    view.press("ArrowRight", "ArrowRight")
    expect(view.button("Deny")).to_be_focused()
    view.press("Tab")
    expect(view.button("Show all")).to_be_focused()
    for _ in range(10):
        view.press("Shift+Tab")
        if detail.evaluate("(element) => element === document.activeElement"):
            break
    expect(detail).to_be_focused()
    view.press("Enter", " ")  # a blank scrolls, as everywhere
    for _ in range(100):
        if view.button("Allow once").is_enabled():
            break
        view.press("PageDown", "ArrowDown")
        view.page.evaluate(FRAME)
    expect(view.button("Allow once")).to_be_enabled()
    expect(status).to_contain_text("You can allow it now")
    assert view.said("answer") == []
    view.button("Deny").focus()
    view.press("ArrowRight", "Enter")
    assert view.wait_said("answer")["answer"] == "allow"


def test_who_drags_it_to_its_end_has_to_see_what_was_skipped(view: View) -> None:
    ask(view, ASKED["many lines"])
    view.page.evaluate(SCROLL_TO, 1e6)
    told = "Scroll back to allow: a part was skipped"
    expect(view.card.locator(".question-actions .hint")).to_have_text(told)
    expect(view.page.get_by_role("status")).to_have_text(told)
    expect(view.button("Allow once")).to_be_disabled()
    expect(view.button("Allow once")).to_have_accessible_description(told)
    view.page.evaluate(SCROLL_TO, 0)
    read(view)


def test_show_all_shows_all_of_it(view: View, detail: Locator) -> None:
    ask(view, command("\n".join(f"echo {each}" for each in range(18))))
    expect(view.button("Allow once")).to_be_disabled()
    view.button("Show all").click()
    expect(detail).to_be_focused()
    read(view)
    assert view.page.evaluate(
        "[...document.querySelectorAll('.question-body')].every("
        "({scrollHeight, clientHeight}) => scrollHeight === clientHeight)"
    )
    view.button("Show less").click()
    expect(view.button("Show all")).to_be_focused()
    expect(view.button("Show all")).to_have_attribute("aria-expanded", "false")
    expect(view.button("Allow once")).to_be_enabled()


def test_no_key_and_no_click_goes_around_it(view: View, detail: Locator) -> None:
    clock = view.page.clock
    clock.install()
    ask(view, ASKED["many lines"])
    for name in ("Allow once", "Allow for this session"):
        view.button(name).click(force=True)
        view.button(name).evaluate("(button) => { button.focus(); button.click(); }")
    view.tell("focusQuestion", questionId="q1")
    view.press("ArrowRight", "ArrowRight", "Control+Enter", "Alt+A", "y")
    view.card.locator("pre").focus()
    view.press("Enter", "Control+Enter")
    assert {said["answer"] for said in view.said("answer")} <= {"deny"}
    detail.focus()
    view.press("Enter", "Control+Enter")
    view.button("Deny").click()
    clock.run_for(6000)  # the host has not heard: it can be answered again
    expect(view.button("Deny")).to_be_enabled()
    expect(view.button("Allow once")).to_be_disabled()
    assert {said["answer"] for said in view.said("answer")} == {"deny"}


def test_lines_that_break_otherwise_are_to_be_seen_again(view: View) -> None:
    ask(view, ASKED["many lines"])
    resize(view, 300, 760)
    view.page.evaluate(SCROLL_TO, 1e6)
    expect(view.button("Allow once")).to_be_disabled()
    view.page.evaluate(SCROLL_TO, 0)
    read(view)
    resize(view, 420, 760)
    expect(view.button("Allow once")).to_be_enabled()


def test_the_next_question_is_read_by_itself(view: View) -> None:
    ask(view, ASKED["many lines"])
    read(view)
    ask(view, ASKED["many lines"], "q2")
    expect(view.button("Allow once")).to_be_disabled()


def test_a_clock_that_loses_a_digit_breaks_no_line_otherwise(view: View) -> None:
    view.page.clock.install(time="2026-01-01T00:00:00Z")
    asked = {**ASKED["many lines"], "deadline": "2026-01-01T00:10:05Z"}
    view.tell("questions", questions=[asked])
    expect(view.card.locator(".question-head")).to_contain_text("10:0")
    width = "document.querySelector('.question h2').getBoundingClientRect().width"
    before = view.page.evaluate(width)
    view.page.clock.run_for(10_000)
    expect(view.card.locator(".question-head")).to_contain_text("9:5")
    assert view.page.evaluate(width) == before


def test_all_of_a_long_change_is_there(view: View) -> None:
    ask(view, edit("a.py", *[f"line {each}" for each in range(1200)]))
    expect(view.card.locator(".diff-line.added")).to_have_count(1200)
    expect(view.card.locator(".diff-line.added").last).to_have_text("+line 1199")


def test_a_long_question_of_the_agents_own_is_there(view: View) -> None:
    title = f"Which of these? {'because ' * 100}now"
    view.tell("questions", questions=[choice(title=title)])
    expect(view.card.locator("h2")).to_have_text(title)


@pytest.mark.parametrize("theme", ["dark", "light", "hc-dark", "hc-light"])
def test_what_cannot_be_pressed_yet_looks_so(open_view: OpenView, theme: str) -> None:
    view = open_view(theme=theme)
    style = """(button) => {
        const {backgroundColor, borderStyle, cursor} = getComputedStyle(button);
        return [backgroundColor, borderStyle, cursor];
    }"""
    ask(view, ASKED["many lines"])
    for name in ("Allow once", "Allow for this session"):
        found = view.button(name).evaluate(style)
        assert found == ["rgba(0, 0, 0, 0)", "dashed", "not-allowed"]
    read(view)
    assert view.button("Allow once").evaluate(style)[1:] == ["solid", "pointer"]
