"""The Anthropic Messages API on 127.0.0.1, with scripted answers.

The demo, the end-to-end tests and the benchmarks run the real Claude CLI against it, with no
network and no key.

    model = Loopback(
        reply("remember the code", say("I will remember it.")),
        reply("which code", recall(r"[A-Z]+-[0-9]+")),
    )
    with model:
        subprocess.run(["claude", "-p", "..."], env=model.environment(home))
"""

from claude_agent_lsp.loopback.conversation import Conversation, Said
from claude_agent_lsp.loopback.request import Request
from claude_agent_lsp.loopback.script import (
    Reply,
    Rule,
    Script,
    Step,
    Turn,
    call,
    cut,
    fail,
    hang,
    recall,
    reply,
    say,
    stop,
    think,
    tokens,
)
from claude_agent_lsp.loopback.server import Loopback

__all__ = [
    "Conversation",
    "Loopback",
    "Reply",
    "Request",
    "Rule",
    "Said",
    "Script",
    "Step",
    "Turn",
    "call",
    "cut",
    "fail",
    "hang",
    "recall",
    "reply",
    "say",
    "stop",
    "think",
    "tokens",
]
