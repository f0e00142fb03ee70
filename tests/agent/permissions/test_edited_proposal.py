"""What a tool is given so that a file becomes what the user wants: for any texts."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from claude_agent_lsp.agent.permissions.diff import Before
from claude_agent_lsp.agent.permissions.edited_proposal import edited_input, is_editable

LINES = st.sampled_from(["a\n", "b\n", "ab\n", "c", "\f\n", "\n"])
TEXT = st.lists(LINES, max_size=10).map("".join)
EDIT = {"file_path": "/x", "old_string": "a", "new_string": "z", "replace_all": True}


@given(TEXT, TEXT)
@example("a\nb\nb\nb\n", "a\nb\na\n")  # where what is replaced overlaps itself
def test_an_edit_replaces_one_place_and_gives_the_wanted_text(now: str, wanted: str) -> None:
    given_ = edited_input("Edit", EDIT, Before(now), wanted)
    if now == wanted:
        assert given_ is None
        return
    assert given_ is not None
    old, new = given_["old_string"], given_["new_string"]
    assert given_["file_path"] == "/x"
    assert given_["replace_all"] is False
    if not now:
        assert (old, new) == ("", wanted)
        return
    assert now.find(old) == now.rfind(old)
    assert old != new
    assert now.replace(old, new) == wanted


def test_line_ends_and_byte_order_mark_are_no_change() -> None:
    before = Before("\ufeffone\r\ntwo\r\n")
    assert edited_input("Edit", EDIT, before, "one\ntwo\n") is None
    given_ = edited_input("Write", {"file_path": "/x", "content": "z"}, before, "one\r\n2\r\n")
    assert given_ == {"file_path": "/x", "content": "one\n2\n"}


def test_only_what_is_known_can_be_edited() -> None:
    unknown = Before(why="unreadable")
    assert is_editable("Edit", Before("x"))
    assert not is_editable("Edit", unknown)
    assert is_editable("Write", unknown)
    assert not is_editable("Bash", Before())
    assert not is_editable("NotebookEdit", Before("x"))
