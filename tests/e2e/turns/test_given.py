"""What a query may give beside its prompt."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

PIXEL = b"".join(
    struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\xff\0\0")),
        (b"IEND", b""),
    )
)
PNG = b"\x89PNG\r\n\x1a\n" + PIXEL


async def test_attachments_reach_the_model(editor: Editor, model: Loopback, folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / "dot.png").write_bytes(PNG)
    await editor.query(
        "look at these",
        attachments=[(folder / "notes.txt").as_uri(), (folder / "dot.png").as_uri()],
    )
    (request,) = model.requests
    said = [part.text for part in request.conversation]
    assert "look at these\n" in said
    assert any(str(folder / "notes.txt") in text for text in said)
    images = [
        block["source"]
        for message in request.body["messages"]
        if not isinstance(message["content"], str)
        for block in message["content"]
        if block["type"] == "image"
    ]
    assert [image["media_type"] for image in images] == ["image/png"]
    listed = await editor.command("session.list")
    assert listed["sessions"][0]["firstPrompt"] == "look at these"


async def test_context_is_told_but_is_no_part_of_the_prompt(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    source = folder / "main.py"
    source.write_text("import os\nprint(os.getcwd())\n")
    run = await editor.query(
        "what is this?",
        context={
            "textDocument": {"uri": source.as_uri()},
            "range": {
                "start": {"line": 1, "character": 0},
                "end": {"line": 1, "character": 5},
            },
            "diagnostics": [
                {
                    "range": {
                        "start": {"line": 0, "character": 0},
                        "end": {"line": 0, "character": 9},
                    },
                    "message": "os is imported",
                    "severity": 2,
                    "source": "lint",
                    "code": "L1",
                    "tags": [1],
                }
            ],
        },
    )
    request = await model.request("what is this?", 5)
    sent = "\n".join(said.text for said in request.conversation)
    assert f"The user selected the lines 2 to 2 from {source}:\nprint\n" in sent
    assert "main.py:1:1: warning: os is imported (lint L1)" in sent
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert read["session"]["firstPrompt"] == read["session"]["title"] == "what is this?"
    assert [message["text"] for message in said_in(read["messages"])] == ["what is this?", "OK."]
    listed = await editor.command("session.list")
    assert listed["sessions"] == [read["session"]]


async def test_answer_comes_as_data_where_a_schema_is_given(
    editor: Editor, model: Loopback
) -> None:
    model.add(reply("structured", [call("StructuredOutput", code="APPLE-1")], [say("Done.")]))
    schema = {
        "type": "object",
        "properties": {"code": {"type": "string"}},
        "required": ["code"],
    }
    run = await editor.query("structured", outputSchema=schema)
    assert run["structuredOutput"] == {"code": "APPLE-1"}
    assert run["status"] == "completed"


async def test_model_of_one_run(editor_with: Open, model: Loopback) -> None:
    editor = await editor_with(settings={"model": "claude-sonnet-4-5"})
    await editor.query("hello")
    await editor.query("hello there", model="claude-haiku-4-5")
    await editor.query("hello again")
    assert [request.body["model"] for request in model.requests if not request.own] == [
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
    ]
