"""The names of the commands: all that `initialize` needs of them, before they are loaded."""

from __future__ import annotations

from typing import Final

NAMES: Final = (
    "claudeAgent.session.list",
    "claudeAgent.session.read",
    "claudeAgent.session.select",
    "claudeAgent.session.rename",
    "claudeAgent.session.tag",
    "claudeAgent.session.fork",
    "claudeAgent.session.delete",
    "claudeAgent.session.export",
    "claudeAgent.session.show",
    "claudeAgent.session.rewind",
    "claudeAgent.query",
    "claudeAgent.cancel",
    "claudeAgent.status",
    "claudeAgent.capabilities",
    "claudeAgent.mode",
    "claudeAgent.question.list",
    "claudeAgent.question.answer",
    "claudeAgent.trust",
)
