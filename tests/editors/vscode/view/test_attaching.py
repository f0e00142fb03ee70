"""What goes with a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from .stage import View


DROP = """([kind, data]) => {
    const transfer = new DataTransfer();
    transfer.setData(kind, data);
    const target = document.querySelector('.transcript');
    const options = {bubbles: true, cancelable: true, dataTransfer: transfer};
    for (const type of ['dragenter', 'dragover']) {
        target.dispatchEvent(new DragEvent(type, options));
    }
    const shown = !document.querySelector('.drop-target').hidden;
    target.dispatchEvent(new DragEvent('drop', options));
    return shown && document.querySelector('.drop-target').hidden;
}"""


def test_context_is_shown_and_can_be_taken_away(view: View) -> None:
    items = [
        {
            "id": "editor",
            "kind": "selection",
            "label": "src/a.py:3-5",
            "tooltip": "/project/src/a.py",
        },
        {
            "id": "diagnostics",
            "kind": "diagnostics",
            "label": "2 problems",
            "tooltip": "No such name",
        },
    ]
    view.tell("context", items=items)
    chips = view.page.locator(".context .chip")
    expect(chips).to_have_text(["src/a.py:3-5", "2 problems"])
    view.button("Remove 2 problems").click()
    assert view.wait_said("removeContext")["id"] == "diagnostics"
    expect(view.prompt).to_be_focused()
    view.tell("context", items=[])
    expect(view.page.locator(".context")).to_be_hidden()


@pytest.mark.parametrize("kind", ["application/vnd.code.uri-list", "text/uri-list"])
def test_files_that_are_dropped_go_with_the_prompt(view: View, kind: str) -> None:
    files = ["file:///project/a.py", "file:///project/b%20c.png"]
    assert view.page.evaluate(DROP, [kind, "\r\n".join(["# files", *files])])
    assert view.wait_said("attach")["uris"] == files


PASTE = """([kind, words, event]) => {
    const transfer = new DataTransfer();
    if (words !== '') transfer.setData('text/plain', words);
    transfer.items.add(new File([new Uint8Array([1, 2, 3])], 'seen.png', {type: kind}));
    const how = {bubbles: true, cancelable: true};
    const sent = event === 'paste'
        ? new ClipboardEvent('paste', {...how, clipboardData: transfer})
        : new DragEvent('drop', {...how, dataTransfer: transfer});
    return !document.querySelector('.prompt-input').dispatchEvent(sent);
}"""

SEEN = {"type": "attachImage", "name": "seen.png", "kind": "image/png", "base64": "AQID"}


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_picture_that_is_pasted_or_dropped_goes_with_the_prompt(view: View, event: str) -> None:
    assert view.page.evaluate(PASTE, ["image/png", "", event])
    assert view.wait_said("attachImage") == SEEN
    assert not view.page.evaluate(PASTE, ["application/zip", "", event])
    assert len(view.said("attachImage")) == 1


def test_words_that_are_pasted_with_a_picture_of_them_stay_words(view: View) -> None:
    assert not view.page.evaluate(PASTE, ["image/png", "a cell of a table", "paste"])
    assert view.said("attachImage") == []


def test_words_that_are_dropped_attach_nothing(view: View) -> None:
    assert not view.page.evaluate(DROP, ["text/plain", "words"])
    assert view.said("attach") == []
