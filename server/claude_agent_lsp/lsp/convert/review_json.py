"""What is to be looked at, as docs/protocol.md has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.lsp.convert.to_json import jsonable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claude_agent_lsp.sessions.review.review import ReviewedFile, RunOf
    from claude_agent_lsp.sessions.review.traced_file import Hunk

# Characters of all diffs of an answer.
MOST_SHOWN: Final = 500_000


def review_json(
    files: Iterable[ReviewedFile], runs: Mapping[str, RunOf], prompts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return files that are to be looked at. It takes the longer, the more they are.

    Args:
        files: The files.
        runs: Those that have changed them.
        prompts: What was asked of them, by the prompts' ids.
    """
    room = MOST_SHOWN
    told = []
    for file in files:
        hunks = []
        for hunk in file.hunks:
            diff = diff_of(hunk)
            cut = len(diff) > room
            diff = diff[:room]
            room -= len(diff)
            hunks.append(
                {
                    "hunkId": hunk.hunk_id,
                    "range": range_json(hunk),
                    "insertions": len(hunk.new or ()),
                    "deletions": len(hunk.old or ()),
                    "diff": diff,
                    **({"truncated": True} if cut else {}),
                    "runs": [run_json(runs, run, prompts) for run in hunk.runs],
                    **({} if hunk.reason is None else {"reason": hunk.reason}),
                }
            )
        moved = {"created": "movedFrom", "deleted": "movedTo"}.get(file.change)
        told.append(
            {
                "uri": uri_of(file.path),
                "sessionId": file.session_id,
                "change": file.change,
                **({moved: uri_of(file.moved)} if moved and file.moved else {}),
                "hunks": hunks,
            }
        )
    return told


def range_json(hunk: Hunk) -> dict[str, Any]:
    """Return the lines that a hunk has in the text; positions of whole lines need no encoding."""
    start, end = ({"line": line, "character": 0} for line in (hunk.start, hunk.end))
    return {"start": start, "end": end}


def run_json(runs: Mapping[str, RunOf], run_id: str, prompts: Mapping[str, str]) -> dict[str, Any]:
    """Return the run that has changed something, and what was asked of it."""
    run = runs.get(run_id)
    if run is None:
        return {"runId": run_id}
    told: dict[str, Any] = jsonable(run)
    if run.message_id is not None and run.message_id in prompts:
        told["prompt"] = visible(prompts[run.message_id])
    return told


def diff_of(hunk: Hunk) -> str:
    """Return the lines of a hunk, those that have gone first, each with its sign."""
    return "".join(f"{line}\n" for line in (*signed("-", hunk.old), *signed("+", hunk.new)))


def signed(sign: str, lines: Iterable[bytes] | None) -> Iterator[str]:
    """Return lines with a sign before each, as they are shown: nothing of them is hidden."""
    for line in lines or ():
        yield sign + visible(line.rstrip(b"\r\n").decode(errors="replace"), lines=True)
