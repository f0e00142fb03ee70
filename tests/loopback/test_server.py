from __future__ import annotations

import asyncio
import http.client
import json
import re
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
    stop,
    think,
    tokens,
)

from .conftest import Client, message

if TYPE_CHECKING:
    from pathlib import Path


def text_of(events: list[dict[str, Any]]) -> str:
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas)


def test_the_events_of_a_text(model: Loopback, client: Client) -> None:
    model.add(reply("hello", say("Hi there.  Bye. ")))
    events = client.events("hello")
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert text_of(events) == "Hi there.  Bye. "
    assert events[0]["message"]["usage"]["input_tokens"] == len("hello") // 4
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    assert events[-2]["usage"] == {"output_tokens": 3}


def test_the_blocks_of_a_turn_have_their_own_indexes(model: Loopback, client: Client) -> None:
    model.add(reply("go", think("Hmm."), say("One"), say(" two."), call("Bash", command="ls")))
    events = client.events("go")
    starts = [event for event in events if event["type"] == "content_block_start"]
    stops = [event["index"] for event in events if event["type"] == "content_block_stop"]
    kinds = [(start["index"], start["content_block"]["type"]) for start in starts]
    assert kinds == [(0, "thinking"), (1, "text"), (2, "tool_use")]
    assert stops == [0, 1, 2]
    assert text_of(events) == "One two."
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_whole_message(model: Loopback, client: Client) -> None:
    model.add(reply("go", think("Hmm."), say("One two."), call("Bash", command="ls")))
    status, _, body = client.post("go")
    assert status == 200
    thinking, text, tool = body["content"]
    assert thinking["thinking"] == "Hmm."
    assert text == {"type": "text", "text": "One two."}
    assert (tool["name"], tool["input"]) == ("Bash", {"command": "ls"})
    assert body["stop_reason"] == "tool_use"


@pytest.mark.parametrize("count", [1, 5000])
def test_each_token_is_a_delta(model: Loopback, client: Client, count: int) -> None:
    model.add(reply("many", tokens(count)))
    events = client.events("many")
    deltas = [event for event in events if event["type"] == "content_block_delta"]
    assert len(deltas) == count
    assert text_of(events) == " ".join(f"word{n}" for n in range(count)) == model.requests[0].sent


def test_an_answer_ends_for_the_reason_that_the_script_says(
    model: Loopback, client: Client
) -> None:
    model.add(
        reply("much", say("Too much"), stop("max_tokens")), reply("nothing", stop("end_turn"))
    )
    assert "max_tokens" in str(client.events("much"))
    empty = str(client.events("nothing"))
    assert "end_turn" in empty
    assert "content_block" not in empty


def test_text_that_needs_quoting(model: Loopback, client: Client) -> None:
    model.add(reply("odd", say('"quoted"\n\nnew\x00 line: ü 🌲')))
    assert text_of(client.events("odd")) == '"quoted"\n\nnew\x00 line: ü 🌲'


def test_a_paced_answer_takes_its_time(model: Loopback, client: Client) -> None:
    model.add(reply("slowly", say("one two three four", pace=0.05)))
    client.events("slowly")
    request = model.requests[0]
    assert request.first_token is not None
    assert request.finished is not None
    assert request.first_token - request.started < 0.05
    assert 0.15 <= request.finished - request.first_token < 0.5


def test_what_is_recalled_is_not_in_the_prompt(model: Loopback, client: Client) -> None:
    model.add(reply("which", recall(r"[A-Z]+-\d+")))
    assert client.post("which?")[2]["content"][0]["text"] == "I don't know."
    said = {"role": "user", "content": "OAK-1, no, PINE-2"}
    body = message("which, ASH-3?")
    body["messages"].insert(0, said)
    answer = client.exchange("POST", "/v1/messages", body)[2]
    assert answer["content"][0]["text"] == "PINE-2"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_an_error(model: Loopback, client: Client, status: int, kind: str) -> None:
    model.add(reply("fail", fail(status)))
    answered, headers, body = client.post("fail", stream=True)
    assert answered == status
    assert "retry-after" not in headers
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
    assert model.requests[0].finished is not None


def test_when_to_try_again(model: Loopback, client: Client) -> None:
    model.add(reply("limit", fail(429, retry_after=1)))
    assert client.post("limit")[1]["retry-after"] == "1"


def test_an_error_that_passes(model: Loopback, client: Client) -> None:
    model.add(reply("broken", fail(500, times=2), say("Fine now.")))
    assert [client.post("broken")[0] for _ in range(4)] == [500, 500, 200, 200]


def test_an_error_after_the_first_word(model: Loopback, client: Client) -> None:
    model.add(reply("late", say("half of"), fail(529)))
    events = client.events("late")
    assert text_of(events) == "half of"
    assert events[-1]["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("steps", [(say("half of an ans"), cut()), (cut(),)])
@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_connection(
    model: Loopback, client: Client, steps: tuple[Step, ...], stream: bool
) -> None:
    model.add(reply("cut", *steps))
    connection = http.client.HTTPConnection(*client.address, timeout=10)
    connection.request("POST", "/v1/messages", json.dumps(message("cut", stream=stream)))
    with connection.getresponse() as response, pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()
    assert model.requests[0].finished is None
    assert model.requests[0].hung_up is None


def test_a_client_that_leaves_is_noticed_at_once(model: Loopback, client: Client) -> None:
    model.add(reply("hang", say("some words"), hang()))
    delays = []
    for attempt in range(5):
        with client.open("hang") as connection:
            request = model.wait_for_request("hang", 5, after=attempt)
            while b" words" not in connection.recv(65536):
                pass
            left = time.monotonic()
        delays.append(request.wait_hung_up(5) - left)
        assert request.sent == "some words"
        assert request.finished is None
    # 0.4 ms on an idle machine.
    assert min(delays) < 0.02


def test_a_client_that_leaves_a_long_answer(model: Loopback, client: Client) -> None:
    model.add(reply("forever", tokens(2_000_000)))
    with client.open("forever") as connection:
        connection.recv(10)
        request = model.wait_for_request("forever", 5)
    request.wait_hung_up(10)
    assert request.finished is None


def test_an_answer_in_full_is_not_hung_up(model: Loopback, client: Client) -> None:
    client.events("hello")
    assert model.requests[0].finished is not None
    with pytest.raises(TimeoutError, match="the answer is complete"):
        model.requests[0].wait_hung_up(0.01)


async def test_waiting_for_a_request_and_its_end_in_a_task(model: Loopback, client: Client) -> None:
    model.add(reply("hang", hang()))
    waiting = asyncio.create_task(model.request("hang", 10))
    connection = await asyncio.to_thread(client.open, "please hang")
    request = await waiting
    assert request.prompt == "please hang"
    leaving = asyncio.create_task(request.hang_up(10))
    with pytest.raises(TimeoutError, match="still being answered"):
        await request.hang_up(0.01)
    connection.close()
    assert await leaving == request.hung_up


async def test_waiting_in_a_task_ends_in_time(model: Loopback) -> None:
    with pytest.raises(TimeoutError, match=r"no request 'hello' within 0\.01 s"):
        await model.request("hello", 0.01)


def test_waiting_tells_what_was_seen_instead(model: Loopback, client: Client) -> None:
    client.post("one")
    client.post("two")
    with pytest.raises(TimeoutError, match=re.escape("no request 'three'")) as caught:
        model.wait_for_request("three", 0.01)
    assert "['one', 'two']" in str(caught.value)


def test_waiting_for_a_later_request(model: Loopback, client: Client) -> None:
    client.post("one")
    with pytest.raises(TimeoutError):
        model.wait_for_request("one", 0.01, after=1)
    client.post("one more")
    assert model.wait_for_request(re.compile("^one"), 5, after=1).prompt == "one more"


def test_requests_of_the_cli_itself_are_not_waited_for(model: Loopback, client: Client) -> None:
    client.post("<session>\nhello\n</session>\n\nWrite the title in English")
    assert model.requests[0].own
    with pytest.raises(TimeoutError):
        model.wait_for_request("hello", 0.01)


def test_counting_tokens_is_no_request(model: Loopback, client: Client) -> None:
    body = message("a" * 400)
    answer = client.exchange("POST", "/v1/messages/count_tokens?beta=true", body)
    assert answer[0] == 200
    assert answer[2] == {"input_tokens": 100}
    assert model.requests == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("POST", "/v1/other")])
def test_what_it_does_not_know(client: Client, method: str, path: str) -> None:
    status, _, body = client.exchange(method, path, {})
    assert (status, body["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("body", [[], {"messages": [{}]}, "hello"])
def test_what_is_no_request(client: Client, body: Any) -> None:
    assert client.exchange("POST", "/v1/messages", body)[0] == 400


@pytest.mark.parametrize("steps", [(hang(),), (say("some words"), hang())])
def test_stopping_drops_whoever_is_connected(
    client: Client, model: Loopback, steps: tuple[Step, ...]
) -> None:
    model.add(reply("hang", *steps))
    with client.open("hang") as connection:
        request = model.wait_for_request("hang", 5)
        model.stop()
        stream = b"".join(iter(lambda: connection.recv(65536), b""))
    assert request.finished is None
    assert not stream.endswith(b"0\r\n\r\n")
    assert bool(stream) is bool(request.sent)


def test_it_starts_once_and_again_after_it_has_stopped() -> None:
    model = Loopback(reply("hello", say("Hi.")))
    with model:
        first = model.url
        with pytest.raises(RuntimeError, match="already serving"):
            model.start()
    model.stop()
    with model:
        assert model.url == first
        assert Client(model.url).post("hello")[2]["content"][0]["text"] == "Hi."


def test_the_environment_is_complete_and_knows_nothing_else(
    model: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_MODEL", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CONFIG_DIR"):
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("PATH", "/bin")
    environment = model.environment(tmp_path)
    assert "foreign" not in environment.values()
    assert environment["PATH"] == "/bin"
    assert environment["HOME"] == str(tmp_path)
    assert environment["CLAUDE_CONFIG_DIR"] == str(tmp_path / ".claude")
    assert environment["ANTHROPIC_BASE_URL"] == model.url
    below = [value for name, value in environment.items() if name.startswith("XDG_")]
    assert below
    assert all(value.startswith(str(tmp_path)) for value in below)
