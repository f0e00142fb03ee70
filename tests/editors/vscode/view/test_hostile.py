"""What the agent, a file or a session is called, or says, is never more than a text.

`View.close` asserts that no canary ran, nothing was fetched, no window opened, and that the policy
had nothing to refuse: not even what it would have stopped got so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .stage import IDLE, ended, grants, message, question, result, text, tool

if TYPE_CHECKING:
    from .stage import View

CANARY = "harness.canary.push(1)"
HTML = [
    f"<script>{CANARY}</script>",
    f'<img src=x onerror="{CANARY}">',
    f'<svg onload="{CANARY}"></svg>',
    f'<iframe srcdoc="<script>parent.{CANARY}</script>"></iframe>',
    f'<a href="javascript:{CANARY}">click</a>',
    f'<details open ontoggle="{CANARY}">x</details>',
    f'<style>@import "http://evil.test/x.css"</style><body onload="{CANARY}">',
    f'"><script>{CANARY}</script>',
    '<form action="http://evil.test"><button>Deny</button></form>',
    '<link rel="stylesheet" href="http://evil.test/x.css"><base href="http://evil.test/">',
    '<meta http-equiv="refresh" content="0;url=http://evil.test/">',
]
MARKDOWN = [
    f"[click](javascript:{CANARY})",
    f"[click](JaVaScRiPt:{CANARY})",
    f"[click](&#106;avascript:{CANARY})",
    f"[click](data:text/html,<script>{CANARY}</script>)",
    "[click](vbscript:x)",
    "[click](command:workbench.action.terminal.new)",
    "[click](vscode://evil/x)",
    "<javascript:alert(1)>",
    f"[click][x]\n\n[x]: javascript:{CANARY}",
    "![picture](http://evil.test/pixel.png)",
    f'![" onerror="{CANARY}](http://evil.test/x.png "\\" onerror=\\"{CANARY}")',
    "![x](data:image/svg+xml,<svg/onload=1>)",
    f'```"><script>{CANARY}</script>\nx\n```',
    f"`<script>{CANARY}</script>`",
    f'# <img src=x onerror="{CANARY}">',
    f'| <img src=x onerror="{CANARY}"> |\n|---|\n| <script>{CANARY}</script> |',
]
NOTHING = (
    "script, style, img, iframe, object, embed, form, link, base, meta, video, audio, [href], [src]"
)


def test_an_answer_is_no_script(view: View) -> None:
    for words in (*HTML, *MARKDOWN):
        show_answer(view, words)
        assert view.page.locator(f"main :is({NOTHING})").count() == 0, words
        for link in view.page.locator(".answer [role=link]").all():
            link.click()
        assert view.page.evaluate("harness.canary") == [], words
    for opened in view.said("openLink"):
        assert opened["href"].startswith(("http://", "https://"))


def test_no_name_is_script(view: View) -> None:
    for words in HTML:
        show_names(view, words)
        assert view.page.locator(f"main :is({NOTHING})").count() == 0, words
        assert view.page.evaluate("harness.canary") == [], words


def test_what_cannot_be_seen_is_shown(view: View) -> None:
    command = "echo safe \u202e; rm -rf / \u202c\u200b\x1b[2K"
    view.events(tool("Bash", command=command))
    expect(view.page.locator("details.tool summary code")).to_have_text(
        "echo safe \\u202e; rm -rf / \\u202c\\u200b\\x1b[2K"
    )
    said = "echo safe \\u202e; rm -rf / \\u202c\\u200b\\x1b[2K"
    action = {"subject": "echo", "tool": "Bash", "command": command}
    view.tell("questions", questions=[question(action=action)])
    expect(view.card.locator(".code code")).to_have_text(said)
    hidden = "c\u202ed"
    fields: dict[str, Any] = {
        "title": "a\u202eb?",
        "action": {"subject": hidden, "tool": hidden, "path": hidden},
        "notes": [hidden],
        "reason": hidden,
        "grants": grants(hidden, saved_in=hidden),
    }
    view.tell("questions", questions=[question("q2", **fields)])
    expect(view.card.locator("h2")).to_have_text("a\\u202eb?")
    shown = "c\\u202ed"
    expect(view.card.locator(".detail")).to_have_text([shown, shown])
    expect(view.card.locator(".question-body .hint")).to_have_text(
        [shown, f"For this session: {shown}", f"Always: {shown}, in {shown}"]
    )
    bare: dict[str, Any] = {"action": None, "detail": hidden}
    view.tell("questions", questions=[question("q3", **bare)])
    expect(view.card.locator(".detail")).to_have_text(shown)
    view.tell("questions", questions=[question("q4", kind="plan", document=hidden)])
    expect(view.card.locator(".markdown")).to_have_text(shown)


def test_a_link_shows_where_it_leads(view: View) -> None:
    view.events(text("[https://bank.test](https://evil.test/?\u202ex)"))
    expect(view.answers.get_by_role("link")).to_have_attribute(
        "title", "https://evil.test/?%E2%80%AEx"
    )


def test_the_page_runs_no_script_of_a_text_whatever_puts_it_there(view: View) -> None:
    """The canary and the policy work: without them, the tests above would show nothing."""
    blocked = view.page.evaluate(
        """(html) => {
            try {
                document.querySelector('.entries').innerHTML = html;
                return 'not blocked';
            } catch (error) {
                return error.name;
            }
        }""",
        HTML[1],
    )
    assert blocked == "TypeError"
    seen = view.page.evaluate("harness.violations.splice(0)")
    assert seen == ["require-trusted-types-for trusted-types-sink"]
    view.page.evaluate(
        """() => {
            const picture = document.createElement('img');
            picture.setAttribute('src', 'http://evil.test/pixel.png');
            document.body.append(picture);
        }"""
    )
    view.until("harness.violations.length > 0")
    assert view.page.evaluate("harness.violations.splice(0)") == [
        "img-src http://evil.test/pixel.png"
    ]


def show_answer(view: View, words: str) -> None:
    """Shows words as all that is said, while it comes and when it is read."""
    view.conversation()
    view.events(
        text(words), {"kind": "thinking", "messageId": "m2", "text": words}, ended(text=words)
    )
    expect(view.page.locator(".outcome")).to_be_visible()
    view.conversation(
        message("user", words),
        message("assistant", words, thinking=words),
        steps=[{"kind": "prompt", "prompt": words, "context": [words]}],
    )
    expect(view.page.locator(".prompt")).to_have_count(2)


def show_names(view: View, words: str) -> None:
    """Shows words wherever something has a name."""
    view.conversation()
    view.tell(
        "state", state={**IDLE, "title": words, "folder": words, "running": True, "line": words}
    )
    view.tell("context", items=[{"id": words, "kind": "file", "label": words, "tooltip": words}])
    view.tell(
        "capabilities",
        models=[{"value": words, "displayName": words, "description": words}],
        efforts=[words],
        modes=[words],
        commands=[{"name": words, "description": words}],
    )
    asked = {
        "question": words,
        "header": words,
        "options": [{"label": words, "description": words}],
    }
    view.events(
        tool(words, "a", file_path=words, content=words),
        tool("Read", "b", file_path=words),
        tool("Bash", "c", command=words, description=words),
        tool("Edit", "d", file_path=words, old_string=words, new_string=words + "x"),
        tool("AskUserQuestion", "e", questions=[asked]),
        tool("TodoWrite", "f", todos=[{"content": words, "status": words}]),
        tool("ExitPlanMode", "g", plan=words),
        {"kind": "notice", "level": "error", "text": words},
        *(result(words, call) for call in "abcdefg"),
        ended(
            "failed", error={"reason": words, "message": words, "hint": words}, filesChanged=[words]
        ),
    )
    expect(view.page.locator(".outcome")).to_be_visible()
    view.unfold()
    for call in "abcdefg":
        kind = {"c": "plan", "d": "permission", "e": "choice"}.get(call, "permission")
        named = {"kind": kind, "title": words, "detail": words, "toolCallId": call}
        options = [
            {"value": "deny", "label": words},
            {"value": words, "label": words, "description": words},
        ]
        fields = dict.fromkeys(("subject", "tool", "path", "description"), words)
        special: dict[str, dict[str, Any]] = {
            "b": {"action": {**fields, "command": words}},
            "c": {"document": words},
            "d": {"diff": f"a\nb\n+{words}"},
            "f": {"action": None},
        }
        more: dict[str, Any] = {
            "action": fields,
            "notes": [words],
            "reason": words,
            "grants": grants(words, saved_in=words),
            **special.get(call, {}),
        }
        view.tell("questions", questions=[question(call, options=options, **named, **more)])
        expect(view.card).to_be_visible()
    view.prompt.fill("@x")
    view.tell("files", query="x", files=[words])
    expect(view.page.get_by_role("option")).to_have_count(1)
    view.prompt.fill("/")
    for name in ("Mode", "Model", "Effort"):
        view.page.locator(f".picker-button[aria-label^='{name}:']").click()
        view.press("Escape")
    view.tell("questions", questions=[])
