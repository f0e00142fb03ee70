"""What a benchmark has the model say."""

from __future__ import annotations

from claude_agent_lsp.loopback import call, say
from claude_agent_lsp.loopback.directives import directives


def test_tool_is_used_so_many_times_with_the_number_of_its_call() -> None:
    prompt = 'use Read 2 times {"file_path": "<n>.txt", "offset": <n+1>}'
    (turns,) = [found for each in directives() if (found := each.turns(prompt)) is not None]
    assert turns == (
        (call("Read", file_path="0.txt", offset=1),),
        (call("Read", file_path="1.txt", offset=2),),
        (say("Done."),),
    )
