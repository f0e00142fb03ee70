"""What the user is told of how a turn ended."""

from __future__ import annotations

import pytest
from claude_agent_sdk import ResultMessage

from claude_agent_lsp.agent.process.sdk_errors import fault_of_result
from claude_agent_lsp.errors import NotAuthenticated


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Not logged in \N{MIDDLE DOT} Please run /login", "Not logged in"),
        ("Please run /login \N{MIDDLE DOT} API Error: 401 refused", "API Error: 401 refused"),
        ("Invalid API key", "Invalid API key"),
    ],
)
def test_nobody_is_sent_to_a_command_of_the_clis_terminal(words: str, told: str) -> None:
    result = ResultMessage(
        subtype="success",
        duration_ms=1,
        duration_api_ms=1,
        is_error=True,
        num_turns=1,
        session_id="s",
        result=words,
    )
    fault = fault_of_result(result)
    assert isinstance(fault, NotAuthenticated)
    assert str(fault) == told
