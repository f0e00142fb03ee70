"""Answers that are JSON already: what is long is encoded in a thread, and not on the loop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

# A step of the encoder holds the interpreter, and with it the loop: some 0.5 ms for as many.
_STEP_CHARACTERS: Final = 64 << 10


@dataclass(frozen=True)
class EncodedResult:
    """The `result` of a response, as JSON."""

    json: bytes

    def response(self, message_id: int | str) -> bytes:
        """Return the whole response as it goes to the editor, with its header."""
        head = f'{{"jsonrpc": "2.0", "id": {json.dumps(message_id)}, "result": '.encode()
        length = len(head) + len(self.json) + 1
        return b"".join((b"Content-Length: %d\r\n\r\n" % length, head, self.json, b"}"))


def encode_long(name: str, text: str) -> EncodedResult:
    """Encode an object with one long text; call it in a thread."""
    steps = range(0, len(text), _STEP_CHARACTERS)
    pieces = [json.dumps(text[at : at + _STEP_CHARACTERS])[1:-1].encode() for at in steps]
    return EncodedResult(b'{%b: "%b"}' % (json.dumps(name).encode(), b"".join(pieces)))
