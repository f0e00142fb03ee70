"""What an editor's user can do with the server: the rows of the table in editors/README.md."""

from __future__ import annotations

from enum import StrEnum

import pytest


class Ability(StrEnum):
    """In the order of the table. A test that shows one is marked `@shows(Ability...)`."""

    STREAM = "ask, and see the answer grow"
    CONTEXT = "ask about the selection"
    DENY = "see a question, and deny it"
    ALLOW = "allow it once"
    EDIT = "see the agent's edit of an open file"
    UNSAVED = "have unsaved text read and edited, and undo that"
    TYPING = "type while the agent edits the same file"
    DIAGNOSTICS = "have the agent see the diagnostics of what it has edited"
    STOP = "stop in mid-answer: the model's connection is closed"
    RESUME = "quit, start again, go on in the same session"
    SESSIONS = "choose from the sessions"
    TYPE = "type undisturbed while 5,000 tokens stream"
    KILL = "be killed: no process is left after 10 s"


def shows(*abilities: Ability) -> pytest.MarkDecorator:
    """Marks a test of an editor with what it shows."""
    return pytest.mark.shows(*abilities)
