"""What was asked of some runs, in a line each: read of the session's transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.user_text import prompt_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_CHARACTERS: Final = 200


def prompts_in(transcript: Path, message_ids: Iterable[str]) -> dict[str, str]:
    """Return the first line of each of some prompts, by their ids, as far as they are there.

    It touches the disk, and takes the longer, the more was said: call it in a thread.
    """
    wanted = {message_id.encode(): message_id for message_id in message_ids}
    found: dict[str, str] = {}
    if not wanted:
        return found
    try:
        with open_transcript(transcript) as lines:
            for line in lines:
                if b'"user"' not in line or not any(each in line for each in wanted):
                    continue
                try:
                    entry = parse_json(line)
                except ValueError:
                    continue
                if isinstance(entry, dict) and (name := str(entry.get("uuid"))) in wanted.values():
                    first, *_ = prompt_in(entry).strip().splitlines() or [""]
                    found[name] = first[:MOST_CHARACTERS]
    except OSError:
        pass  # what was asked is only missing, then
    return found
