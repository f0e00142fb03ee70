"""Long answers that are encoded off the loop."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.lsp.convert.encoded import encode_long

STEP = 64 << 10


@given(st.text(), st.sampled_from([0, STEP - 1, STEP, 2 * STEP]), st.integers() | st.text())
def test_a_response_is_what_it_would_be_otherwise(end: str, filled: int, message_id: str) -> None:
    text = "é" * filled + end
    header, _, body = encode_long("text", text).response(message_id).partition(b"\r\n\r\n")
    assert header == b"Content-Length: %d" % len(body)
    assert json.loads(body) == {"jsonrpc": "2.0", "id": message_id, "result": {"text": text}}


def test_what_is_cut_between_two_halves_of_a_letter_is_whole() -> None:
    text = "a" * (STEP - 1) + "\ud83d" + "\ude00" + '"\\\n'
    assert json.loads(encode_long("text", text).json) == json.loads(json.dumps({"text": text}))
