"""Nothing that stands in a transcript is lost by what is missing or damaged beside it."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.reading.outline import Kind
from claude_agent_lsp.sessions.reading.reading import line_of, read_messages
from tests.sessions.lines import Disk, Talk, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.sessions.reading.messages import Message

TURNS = 5


@pytest.fixture
def transcript(disk: Disk, folder: Path) -> Path:
    """Five turns, with lines between them that are none of the conversation."""
    talk = Talk()
    entries: list[dict[str, Any] | str] = []
    for n in range(TURNS):
        entries += [
            {"type": "queue-operation", "operation": "enqueue", "content": f"prompt {n}"},
            talk.user(f"prompt {n}"),
            talk.agent(text(f"answer {n}"), message_id=f"m{n}"),
            {"type": "last-prompt", "lastPrompt": f"prompt {n}"},
        ]
    return disk.path(disk.write(folder, *entries), folder)


def read(transcript: Path) -> list[Message]:
    return list(read_messages(transcript.stem))


def texts(transcript: Path) -> list[str]:
    """All that was said; what stands between the messages is left out."""
    return [message.text for message in read(transcript) if message.kind is None]


def wanted(*missing: str) -> list[str]:
    every = [f"{who} {n}" for n in range(TURNS) for who in ("prompt", "answer")]
    return [words for words in every if words not in missing]


def lines_of(transcript: Path) -> list[bytes]:
    return transcript.read_bytes().splitlines(keepends=True)


def at_answer(n: int) -> int:
    """The place of an answer among the lines of the transcript."""
    return 4 * n + 2


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda line: b"\n",
    "nuls": lambda line: b"\0" * len(line) + b"\n",
    "cut": lambda line: line[: len(line) // 2] + b"\n",
    "cut at its end": lambda line: line[:-3] + b"\n",
    "only its end": lambda line: line[len(line) // 2 :],
    "within a character": lambda line: line[:40] + b"\xc3\n",
    "noise": lambda line: random.Random(1).randbytes(300).replace(b"\n", b" ") + b"\n",
    "another value": lambda line: b"[1, 2]\n",
    "a number": lambda line: b"17\n",
    "null": lambda line: b"null\n",
    "no object closed": lambda line: b'{"uuid": \n',
    "two braces": lambda line: b"}{\n",
    "a nul within": lambda line: line[:30] + b"\0" + line[31:],
    "a blank within": lambda line: line.replace(b'"uuid"', b'"uu d"'),
    "no type": lambda line: line.replace(b'"type":"', b'"sort":"', 1),
    "no id": lambda line: line.replace(b'"uuid":"', b'"uuid":7,"old":"'),
    "too deep": lambda line: b'{"uuid":"x","a":' + b"[" * 5000 + b"\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_line_costs_that_line_alone(transcript: Path, damage: str) -> None:
    lines = lines_of(transcript)
    lines[at_answer(2)] = DAMAGES[damage](lines[at_answer(2)])
    transcript.write_bytes(b"".join(lines))
    assert texts(transcript) == wanted("answer 2")
    (gap,) = [message for message in read(transcript) if message.kind is Kind.GAP]
    assert gap.role == "system"
    assert "missing here" in gap.text
    # It stands where the line did.
    assert [m.text for m in read(transcript)].index(gap.text) == wanted().index("answer 2")


@pytest.mark.parametrize(
    "cut",
    [
        lambda line: line[: len(line) // 2],
        lambda line: b"\0" * 4096,
        lambda line: b"",
        lambda line: line[:1],
        lambda line: line.removesuffix(b"\n"),
    ],
    ids=["half of it", "nuls", "nothing", "a brace", "all but its end"],
)
def test_line_that_a_crash_has_cut_off_costs_not_the_next_one(
    transcript: Path, cut: Callable[[bytes], bytes]
) -> None:
    lines = lines_of(transcript)
    # The next process appends right behind it.
    lines[at_answer(2)] = cut(lines[at_answer(2)])
    del lines[at_answer(2) + 1 : at_answer(3) - 1]
    transcript.write_bytes(b"".join(lines))
    is_whole = lines[at_answer(2)].endswith(b"}")
    assert texts(transcript) == wanted(*([] if is_whole else ["answer 2"]))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_missing_lines_cost_no_others(transcript: Path, count: int) -> None:
    lines = lines_of(transcript)
    del lines[5 : 5 + count]
    transcript.write_bytes(b"".join(lines))
    gone = {1: ("prompt 1",), 2: ("prompt 1", "answer 1")}
    lost = gone.get(count, ("prompt 1", "answer 1", "prompt 2", "answer 2"))
    assert texts(transcript) == wanted(*lost)
    assert [message.kind for message in read(transcript)].count(Kind.GAP) == 1


def test_first_lines_may_be_missing(transcript: Path) -> None:
    transcript.write_bytes(b"".join(lines_of(transcript)[3:]))
    assert texts(transcript) == wanted("prompt 0", "answer 0")
    assert read(transcript)[0].kind is Kind.GAP


def test_last_line_that_is_being_written_is_no_gap(transcript: Path) -> None:
    lines = lines_of(transcript)
    transcript.write_bytes(b"".join(lines) + lines[1][:50])
    assert texts(transcript) == wanted()
    assert not [message for message in read(transcript) if message.kind]


def test_damage_that_concerns_no_message_is_no_gap(transcript: Path) -> None:
    lines = lines_of(transcript)
    lines[4] = lines[7] = b"\0" * 20 + b"\n"
    transcript.write_bytes(b"".join(lines))
    assert [message.text for message in read(transcript)] == wanted()


@pytest.mark.parametrize("parent", ["itself", "a later one", 7, ["x"], "nobody", "x" * 500, None])
def test_line_that_follows_none_before_it_follows_the_one_before(
    transcript: Path, parent: object
) -> None:
    lines = [json.loads(line) for line in lines_of(transcript)]
    line = lines[at_answer(2)]
    named = {"itself": line["uuid"], "a later one": lines[at_answer(3)]["uuid"]}
    line["parentUuid"] = named.get(str(parent), parent)
    if parent is None:
        del line["parentUuid"]
    transcript.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert texts(transcript) == wanted()


def test_lines_that_stand_there_twice_are_read_once(transcript: Path) -> None:
    lines = lines_of(transcript)
    transcript.write_bytes(b"".join(lines + lines[2:9]))
    assert texts(transcript) == wanted()
    assert not [message for message in read(transcript) if message.kind]


def test_line_ends_of_windows_are_line_ends(transcript: Path) -> None:
    transcript.write_bytes(transcript.read_bytes().replace(b"\n", b"\r\n"))
    assert texts(transcript) == wanted()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_damaged_the_rest_is_read(transcript: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = lines_of(transcript)
    hurt = chance.sample(range(len(lines)), 4)
    for at in hurt:
        lines[at] = DAMAGES[chance.choice(list(DAMAGES))](lines[at])
    transcript.write_bytes(b"".join(lines))
    lost = [f"{('prompt', 'answer')[at % 4 - 1]} {at // 4}" for at in hurt if at % 4 in (1, 2)]
    # A branch whose last line is gone ends before it.
    assert texts(transcript) == wanted(*lost)


def compacted(talk: Talk, before: str | None, **more: Any) -> list[dict[str, Any]]:
    """What the CLI writes at a compaction."""
    boundary = {
        "parentUuid": None,
        "logicalParentUuid": before,
        "type": "system",
        "subtype": "compact_boundary",
        "content": "Conversation compacted",
        "isSidechain": False,
        "uuid": f"boundary-{before}",
        **more,
    }
    summary = talk.user("This session is being continued from …", isCompactSummary=True)
    summary["parentUuid"] = boundary["uuid"]
    return [boundary, summary]


@pytest.mark.parametrize("shape", ["named", "unnamed", "named one is gone", "without a boundary"])
def test_what_was_said_before_a_compaction_is_read(disk: Disk, folder: Path, shape: str) -> None:
    talk = Talk()
    prompt = talk.user("before")
    answer = talk.agent(text("said before"), message_id="m1")
    named = {"named": answer["uuid"], "named one is gone": "gone"}.get(shape)
    lines = compacted(talk, named)
    if shape == "without a boundary":
        lines = lines[1:]
        lines[0]["parentUuid"] = None
    more = [talk.user("after"), talk.agent(text("said after"), message_id="m2")]
    session_id = disk.write(folder, prompt, answer, *lines, *more)
    messages = read_messages(session_id)
    told = [(m.role, m.text) for m in messages if m.kind is not Kind.GAP]
    assert told == [
        ("user", "before"),
        ("assistant", "said before"),
        ("system", "This session is being continued from …"),
        ("user", "after"),
        ("assistant", "said after"),
    ]
    assert [m.kind for m in messages if m.kind is not Kind.GAP][2] is Kind.COMPACTION
    assert (Kind.GAP in [m.kind for m in messages]) == (shape == "named one is gone")
    # Each of them can be gone back to.
    assert line_of(session_id, "m1") == answer["uuid"]


def test_conversation_that_was_compacted_again_and_again_is_whole(disk: Disk, folder: Path) -> None:
    talk = Talk()
    lines = []
    for n in range(6):
        lines.append(talk.user(f"prompt {n}"))
        last = talk.agent(text(f"answer {n}"), message_id=f"m{n}")
        lines += [last, *compacted(talk, last["uuid"])]
    session_id = disk.write(folder, *lines)
    messages = read_messages(session_id)
    told = [f"{who} {n}" for n in range(6) for who in ("prompt", "answer")]
    assert [m.text for m in messages if m.role != "system"] == told
    assert [m.kind for m in messages].count(Kind.COMPACTION) == 6
