"""The real Claude CLI as the client."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import (
    Loopback,
    Step,
    call,
    cut,
    fail,
    hang,
    recall,
    reply,
    say,
    think,
    tokens,
)

if TYPE_CHECKING:
    import subprocess

    from .conftest import Claude

DELEGATE = {
    "description": "look",
    "prompt": "subtask: look around",
    "subagent_type": "general-purpose",
}


def send(process: subprocess.Popen[bytes], **message: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def send_prompt(process: subprocess.Popen[bytes], text: str) -> None:
    send(process, type="user", message={"role": "user", "content": text})


def send_control(process: subprocess.Popen[bytes], **request: Any) -> None:
    send(process, type="control_request", request_id="1", request=request)


def test_a_text(model: Loopback, claude: Claude) -> None:
    model.add(reply("hello", say("Hello to you.")))
    turn = claude.run("say hello")
    assert (turn.exit_code, turn.text) == (0, "Hello to you.")
    (request,) = model.requests
    assert request.prompt == "say hello"
    assert request.sent == "Hello to you."
    assert request.hung_up is None
    assert turn.result["usage"]["output_tokens"] == 3


def test_no_proxy_stands_between(claude: Claude) -> None:
    nowhere = "http://127.0.0.1:9"
    assert claude.run("anything", HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere).text == "OK."


def test_what_no_rule_matches(claude: Claude) -> None:
    assert claude.run("anything").text == "OK."


def test_thinking(model: Loopback, claude: Claude) -> None:
    model.add(reply("think first", think("Hmm, let me see."), say("Done.")))
    turn = claude.run("think first")
    assert [block["thinking"] for block in turn.blocks("thinking")] == ["Hmm, let me see."]
    assert turn.text == "Done."


def test_many_tokens(model: Loopback, claude: Claude) -> None:
    model.add(reply("many", tokens(5000)))
    assert claude.run("many").text == " ".join(f"word{n}" for n in range(5000))


def test_a_pace(model: Loopback, claude: Claude) -> None:
    model.add(reply("count slowly", say("one two three four", pace=0.1)))
    assert claude.run("count slowly").text == "one two three four"
    (request,) = model.requests
    assert request.first_token is not None
    assert request.finished is not None
    assert request.finished - request.first_token >= 0.3


def test_the_conversation_goes_on_after_a_resume(model: Loopback, claude: Claude) -> None:
    model.add(
        reply("remember", say("I will remember it.")),
        reply("which code", recall(r"[A-Z]+-\d+")),
    )
    first = claude.run("remember the code PINEAPPLE-42")
    second = claude.run("which code?", "--resume", first.session)
    assert second.text == "PINEAPPLE-42"
    assert second.session == first.session
    said = [said.text for said in model.requests[-1].conversation]
    assert "remember the code PINEAPPLE-42" in said
    assert "I will remember it." in said
    assert claude.run("which code?").text == "I don't know."


def test_several_tool_calls_in_a_turn(model: Loopback, claude: Claude) -> None:
    model.add(
        reply(
            "run two",
            [say("Running."), call("Bash", command="echo a1"), call("Bash", command="echo b2")],
            [say("Both ran.")],
        )
    )
    turn = claude.run("run two", "--allowedTools", "Bash")
    assert turn.text == "Both ran."
    assert {block["content"] for block in turn.blocks("tool_result")} == {"a1", "b2"}
    assert [request.turn for request in model.requests] == [0, 1]
    said = [said.text for said in model.requests[1].conversation]
    assert 'Bash({"command": "echo a1"})' in said
    assert {"a1", "b2"} <= set(said)


def test_a_subagent(model: Loopback, claude: Claude) -> None:
    model.add(
        reply(
            "delegate", [call("Agent", **DELEGATE, run_in_background=False)], [say("It is done.")]
        ),
        reply("subtask: look around", say("I looked around.")),
    )
    turn = claude.run("delegate", "--allowedTools", "Agent")
    assert turn.text == "It is done."
    prompts = [request.prompt for request in model.requests]
    assert prompts == ["delegate", "subtask: look around", "delegate"]
    assert any("I looked around." in said.text for said in model.requests[2].conversation)


def test_a_subagent_in_the_background_gives_the_model_another_turn(
    model: Loopback, claude: Claude
) -> None:
    model.add(
        reply(
            "delegate", [call("Agent", **DELEGATE)], [say("It has begun.")], [say("It is done.")]
        ),
        reply("subtask: look around", say("I looked around.")),
    )
    turn = claude.run("delegate", "--allowedTools", "Agent")
    assert [result["result"] for result in turn.of_type("result")] == [
        "It has begun.",
        "It is done.",
    ]


@pytest.mark.parametrize("status", [401, 429, 500, 529])
def test_an_error(model: Loopback, claude: Claude, status: int) -> None:
    model.add(reply("fail", fail(status)))
    turn = claude.run("fail")
    assert turn.exit_code == 1
    assert turn.result["is_error"]
    assert turn.result["api_error_status"] == status
    assert len(model.requests) == 1


def test_an_error_that_passes(model: Loopback, claude: Claude) -> None:
    model.add(reply("broken", fail(500, times=1), say("Fine now.")))
    assert claude.run("broken", CLAUDE_CODE_MAX_RETRIES="1").text == "Fine now."
    assert len(model.requests) == 2


def test_when_to_try_again(model: Loopback, claude: Claude) -> None:
    model.add(reply("limit", fail(429, retry_after=1, times=1), say("Fine now.")))
    turn = claude.run("limit", CLAUDE_CODE_MAX_RETRIES="1")
    assert turn.text == "Fine now."
    first, second = model.requests
    assert second.started - first.started >= 1


def test_the_prompt_after_one_that_failed(model: Loopback, claude: Claude) -> None:
    model.add(reply("PINE-1", fail(401)), reply("which code", recall(r"[A-Z]+-\d+")))
    failed = claude.run("the code is PINE-1")
    assert claude.run("which code", "--resume", failed.session).text == "PINE-1"


def test_a_cut_connection(model: Loopback, claude: Claude) -> None:
    model.add(reply("cut off", say("half of an ans"), cut()))
    turn = claude.run("cut off")
    assert turn.exit_code == 1
    assert "Connection to the API was lost" in turn.text
    # The CLI tries once more, without streaming.
    assert [request.body.get("stream", False) for request in model.requests] == [True, False]
    assert model.requests[0].sent == "half of an ans"
    assert all(request.finished is None for request in model.requests)


@pytest.mark.parametrize("steps", [(hang(),), (say("some words"), hang())])
def test_the_death_of_the_cli_is_noticed(
    model: Loopback, claude: Claude, steps: tuple[Step, ...]
) -> None:
    model.add(reply("hang", *steps))
    with claude.start("hang") as process:
        request = model.wait_for_request("hang", 20)
        killed = time.monotonic()
        process.kill()
    assert 0 <= request.wait_hung_up(5) - killed < 1
    assert request.finished is None


def test_a_model_that_never_answers_is_given_up(model: Loopback, claude: Claude) -> None:
    model.add(reply("hang", hang()))
    turn = claude.run("hang", API_TIMEOUT_MS="500")
    assert "timed out" in turn.text
    assert model.requests[0].hung_up is not None


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((hang(),), ""),
        ((say("some words"), hang()), "some words"),
        ((say("Running."), call("Bash", command="sleep 60")), "Running."),
    ],
)
def test_the_prompt_after_an_interrupt(
    model: Loopback, claude: Claude, steps: tuple[Step, ...], said: str
) -> None:
    model.add(reply("start with PINE-1", *steps), reply("which code", recall(r"[A-Z]+-\d+")))
    arguments = ("--input-format", "stream-json", "--include-partial-messages")
    with claude.start(*arguments, "--allowedTools", "Bash") as process:
        send_prompt(process, "start with PINE-1")
        request = model.wait_for_request("start with PINE-1", 20)
        assert process.stdout is not None
        last = b'"tool_use"' if "Running" in said else (said.split() or ["init"])[-1].encode()
        while last not in (line := process.stdout.readline()):
            assert line
        send_control(process, subtype="interrupt")
        if not request.finished:
            request.wait_hung_up(10)
        send_prompt(process, "which code")
        turn = claude.finish(process)
    assert turn.text == "PINE-1"
    after = model.requests[-1]
    assert (after.prompt, after.turn) == ("which code", 0)
    assert said in [said.text for said in after.conversation] or not said


def test_the_cli_asking_for_a_title_does_not_disturb(model: Loopback, claude: Claude) -> None:
    model.add(reply("hello", fail(500)))
    with claude.start("--input-format", "stream-json") as process:
        send_control(
            process,
            subtype="generate_session_title",
            description="say hello to all of them",
            persist=False,
        )
        assert process.stdout is not None
        while b'"control_response"' not in (line := process.stdout.readline()):
            assert line
        claude.finish(process)
    assert json.loads(line)["response"]["subtype"] == "success"
    (request,) = model.requests
    assert request.own
    assert "say hello" in request.prompt
