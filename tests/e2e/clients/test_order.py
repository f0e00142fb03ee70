"""What an editor sends takes effect in the order in which it was sent, however fast it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import (
    CANCELLED,
    SECONDS,
    begin,
    cancelled,
    data_of,
    in_one_write,
    refusal,
    remember,
    requests_of,
    run_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.editor import Editor

TIMES = 10


async def test_the_second_of_two_queries_is_the_one_that_is_refused(editor: Editor) -> None:
    await remember(editor)
    for number in range(TIMES):
        async with in_one_write(editor):
            first = begin(editor, "count slowly", 2 * number)
            second = begin(editor, "which code?", 2 * number + 1, ifBusy="refuse")
        assert data_of(await refusal(second))["reason"] == "sessionBusy"
        assert editor.events(second.events) == []
        await cancelled(editor, first)


async def test_each_query_gets_the_session_that_was_selected_before_it(editor: Editor) -> None:
    session = await remember(editor)
    for number in range(TIMES):
        async with in_one_write(editor):
            editor.command("session.select", {"sessionId": "new"})
            fresh = begin(editor, "which code?", 2 * number)
            editor.command("session.select", {"sessionId": session})
            resumed = begin(editor, "which code?", 2 * number + 1)
        assert (await fresh.asked)["text"] == "I don't know."
        answer = await resumed.asked
        assert (answer["text"], answer["sessionId"]) == ("PINEAPPLE-42", session)


async def test_a_mode_holds_for_the_query_behind_it(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    model.add(
        reply("write it", [call("Write", file_path=str(folder / "a"), content="x")], [say("Done.")])
    )
    session = await remember(editor)
    for number in range(TIMES):
        async with in_one_write(editor):
            editor.command("mode", {"sessionId": session, "permissionMode": "acceptEdits"})
            query = begin(editor, "write it", number)
        await query.asked
        assert editor.questions == []
        await editor.command("mode", {"sessionId": session, "permissionMode": "default"})
        (folder / "a").unlink()


async def test_everything_is_cancelled_that_was_asked_before(
    editor: Editor, model: Loopback
) -> None:
    session = await remember(editor)
    for number in range(TIMES):
        async with in_one_write(editor):
            queries = [
                begin(editor, f"count slowly, {number}", 2 * number, session=session),
                begin(editor, f"count slowly, {number}", 2 * number + 1, session="new"),
            ]
            stop = editor.command("cancel", {})
        runs = [await run_of(editor, query) for query in queries]
        assert sorted((await stop)["cancelled"]) == sorted(run["runId"] for run in runs)
        for query in queries:
            assert (await refusal(query)).code == CANCELLED
        for request in requests_of(model, f"count slowly, {number}"):
            await request.hang_up(SECONDS)
    answer = await begin(editor, "which code?", 1000, session=session).asked
    assert answer["text"] == "PINEAPPLE-42"
