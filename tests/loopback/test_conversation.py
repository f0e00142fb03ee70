from __future__ import annotations

import re
from typing import Any

import pytest

from claude_agent_lsp.loopback import Said
from claude_agent_lsp.loopback.conversation import Conversation, read

REMINDER = "<system-reminder>\nThe user's name is BOB-1.\n</system-reminder>\n"
CODE = re.compile(r"[A-Z]+-\d+")


def user(*content: str | dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [text(part) for part in content]}


def assistant(*content: str | dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": [text(part) for part in content]}


def text(part: str | dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": part} if isinstance(part, str) else part


def tool_use(**arguments: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": arguments}


def tool_result(content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}


def conversation(*messages: dict[str, Any], **fields: Any) -> Conversation:
    return read({"messages": list(messages), **fields})


def test_content_may_be_a_plain_string() -> None:
    read_ = conversation({"role": "user", "content": "hello"}, system="Be kind.")
    assert (read_.prompt, read_.turn) == ("hello", 0)
    assert read_.said == (Said("system", "Be kind."), Said("user", "hello"))


def test_reminders_are_no_part_of_the_prompt() -> None:
    read_ = conversation(user(REMINDER, "hello\n\n" + REMINDER, REMINDER))
    assert read_.prompt == "hello"


def test_messages_of_the_system_after_the_prompt_are_skipped() -> None:
    environment = {"role": "system", "content": [text("# Environment")]}
    read_ = conversation(user("hello"), environment)
    assert (read_.prompt, read_.turn) == ("hello", 0)


def test_tool_results_belong_to_the_turn_of_the_prompt_before() -> None:
    read_ = conversation(
        user("first"),
        assistant("One."),
        user("second"),
        assistant("Running.", tool_use(command="ls")),
        user(tool_result("a.txt")),
    )
    assert (read_.prompt, read_.turn) == ("second", 1)


def test_a_reminder_beside_a_tool_result_is_no_prompt() -> None:
    read_ = conversation(user("run"), assistant(tool_use()), user(tool_result("a"), REMINDER))
    assert (read_.prompt, read_.turn) == ("run", 1)


def test_tool_calls_and_results_are_rendered() -> None:
    read_ = conversation(
        user("run"),
        assistant({"type": "thinking", "thinking": "Hmm."}, tool_use(command="ls")),
        user(tool_result([text("a.txt"), {"type": "image"}, text("b.txt")])),
    )
    assert read_.said[1:] == (
        Said("assistant", "Hmm."),
        Said("assistant", 'Bash({"command": "ls"})'),
        Said("user", "a.txt\nb.txt"),
    )


@pytest.mark.parametrize(
    "content",
    [
        ("[Request interrupted by user]\n", "which code"),
        ("[Request interrupted by user]which code",),
        ("slow\n", "[Request interrupted by user]\n", "which code"),
        (tool_result("rejected"), "[Request interrupted by user for tool use]\n", "which code"),
    ],
)
def test_the_prompt_after_an_interrupt(content: tuple[Any, ...]) -> None:
    read_ = conversation(user("slow"), assistant("word0 wo"), user(*content))
    assert (read_.prompt, read_.turn) == ("which code", 0)


def test_the_mark_of_an_interrupt_alone_is_no_prompt() -> None:
    read_ = conversation(user("slow"), assistant("wo"), user("[Request interrupted by user]\n"))
    assert (read_.prompt, read_.turn) == ("slow", 1)


def test_the_prompt_after_one_that_failed() -> None:
    read_ = conversation(user(REMINDER, "the code is PINE-1\n", "which code"))
    assert read_.prompt == "which code"
    assert read_.last(CODE) == "PINE-1"


def test_a_prompt_of_several_blocks_is_one() -> None:
    assert conversation(user("first half", "second half")).prompt == "first half\nsecond half"


def test_no_prompt_at_all() -> None:
    assert conversation().prompt == ""


def test_the_last_match_is_the_latest_one() -> None:
    read_ = conversation(user("OAK-1 or PINE-2"), assistant("Noted."), user("which code"))
    assert read_.last(CODE) == "PINE-2"


def test_the_current_prompt_is_not_searched() -> None:
    read_ = conversation(user("OAK-1"), assistant("Noted."), user("is it PINE-2?"))
    assert read_.last(CODE) == "OAK-1"
    assert conversation(user("is it PINE-2?")).last(CODE) is None


def test_tool_results_reminders_and_the_system_prompt_are_searched() -> None:
    again = user("which code")
    assert conversation(user(REMINDER, "which code")).last(CODE) == "BOB-1"
    assert conversation(again, system=[text("Earlier: ASH-3")]).last(CODE) == "ASH-3"
    assert conversation(user(tool_result("ELM-4")), again).last(CODE) == "ELM-4"


@pytest.mark.parametrize(
    ("own", "body"),
    [
        (False, {"messages": [user("write the title")], "max_tokens": 100}),
        (True, {"messages": [user("quota")], "max_tokens": 1}),
        (True, {"messages": [user("<session>\nhi\n</session>\n\nWrite the title in ...")]}),
        (
            True,
            {
                "messages": [
                    user("CRITICAL: Respond with TEXT ONLY.\n\nYour task is a detailed summary of")
                ]
            },
        ),
    ],
)
def test_what_the_cli_asks_on_its_own_account(own: bool, body: dict[str, Any]) -> None:
    assert read(body).own is own
