"""What is masked, and what is not."""

from __future__ import annotations

import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.base.texts import redaction
from claude_agent_lsp.base.texts.redaction import (
    MOST_OLDER,
    MaskingFormatter,
    mask_secrets,
    mask_secrets_in_json,
    register_secrets,
)


@pytest.fixture(autouse=True)
def _none_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten behind it."""
    monkeypatch.setattr(redaction, "_registered", {})


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("key sk-ant-api03-abcdefghij_klmn!", "key ***!"),
        ("redis://user:s3cret!x@host/0", "redis://***@host/0"),
        ("redis://:s3cret@host/0", "redis://***@host/0"),
        ("redis://u:p@ss@host/0, a@b", "redis://***@host/0, a@b"),
        ("https://tokentokentoken@host/x", "https://***@host/x"),
        ("ghp_" + "a1" * 18, "***"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "a task-force",
        "https://host:8080/a@b",
        "risk-anticipation",
        "sk-1",
        "mailto:a@b",
        "ssh://git@host/x",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert mask_secrets(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASS",
        "MYSQL_PWD",
        "SSHPASS",
        "HTPASSWD",
        "GPG_PASSPHRASE",
        "PASS",
        "pg_password",
        "A_KEY",
    ],
)
def test_values_of_variables_are_masked_by_their_names(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "wordfish-wordfish")
    assert mask_secrets("a wordfish-wordfish") == "a ***"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "BYPASS", "PASSIVE_MODE", "HEADERS_FILE"])
def test_other_variables_are_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/home/of/nobody")
    assert mask_secrets("in /home/of/nobody") == "in /home/of/nobody"


@pytest.mark.parametrize(
    ("name", "value"),
    [("GIT_AUTHOR_NAME", "Jane Doe"), ("TOKENIZERS_PARALLELISM", "parallel"), ("AUTH", "enabled")],
)
def test_a_variable_that_holds_none_hides_nothing(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert mask_secrets(f"by {value}") == f"by {value}"
    register_secrets([("NODE_ENV", "production"), ("Content-Type", "application/json")])
    assert mask_secrets("production, application/json") == "production, application/json"


def test_headers_are_masked_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = "X-Org: abcdefgh12345\nAuthorization: Bearer qrstuvwx12345"
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", headers)
    assert mask_secrets("-H abcdefgh12345 qrstuvwx12345 X-Org") == "-H *** *** X-Org"
    register_secrets([("Authorization", "Bearer of-an-mcp-server"), ("X", "${SOME_KEY}")])
    assert mask_secrets("of-an-mcp-server ${SOME_KEY}") == "*** ${SOME_KEY}"


def test_values_of_the_settings_env_are_masked_from_then_on() -> None:
    register_secrets([("ANY", "hunter2-value"), ("SHORT", "b")])
    for _ in range(2):
        assert mask_secrets("the hunter2-value, a b") == "the ***, a b"


def test_what_a_folder_gives_drives_out_nothing_of_another_ones() -> None:
    register_secrets([("ANY", "precious-value")], "mine")
    for n in range(3):
        register_secrets([(f"V{i}", f"flood-{n}-{i}-value") for i in range(MOST_OLDER)], "theirs")
    assert mask_secrets("precious-value") == "***"
    # All that a folder has given last, and some of what it gave before.
    assert mask_secrets("flood-2-0-value flood-2-999-value flood-1-0-value") == "*** *** ***"
    assert mask_secrets("flood-0-0-value") == "flood-0-0-value"


def test_masking_remembers_nothing() -> None:
    before = dict(redaction._registered)
    (
        mask_secrets("token sk-ant-api03-abcdefghij_klmn"),
        mask_secrets_in_json({"API_KEY": "of-nobody"}),
    )
    assert redaction._registered == before


def test_log_records_are_masked_with_their_tracebacks() -> None:
    formatter = MaskingFormatter("%(message)s")
    try:
        raise ValueError("postgresql://u:pa55w0rd@h")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("n", 10, "f", 1, "to %s", ("redis://:w0rdpass@h",), info)
    shown = formatter.format(record)
    assert "w0rd" not in shown
    assert "redis://***@h" in shown


def test_a_secret_of_several_lines_is_masked_before_it_is_encoded() -> None:
    key = 'BEGIN "KEY"\nline\nEND'
    register_secrets([("ANY", key)])
    given = {"a": [f"x {key}", 1, None], key: ({"b": key},)}
    assert mask_secrets_in_json(given) == {"a": ["x ***", 1, None], "***": [{"b": "***"}]}


# No letter of a secret is in what stands around it.
FILLER = st.text("abc /:@\n-", max_size=80)
SECRETS = st.sampled_from(
    [
        *("QQQQQQ", "QWQWQW", 'QQ"\n Z' * 9, "Z" * 900),
        *("sk-ant-" + "Q1-" * 9, "ghp_" + "Q1" * 20, "AKIA" + "Q" * 16, "xoxb-" + "Q-" * 9),
    ]
)


@given(st.lists(st.tuples(FILLER, SECRETS), max_size=4), FILLER, st.integers(0, 200))
def test_wherever_a_text_is_cut_no_secret_is_left_in_part(
    pieces: list[tuple[str, str]], end: str, limit: int
) -> None:
    register_secrets([("A", secret) for secret in ("QQQQQQ", "QWQWQW", 'QQ"\n Z' * 9, "Z" * 900)])
    text = "".join(f"{filler} {secret}" for filler, secret in pieces) + end
    shown = mask_secrets(text, limit=limit)
    assert not set("QWZ1") & set(shown)
    assert shown == mask_secrets(text)[:limit]
    assert mask_secrets_in_json({"a": [text]}, limit) == {"a": [shown]}


@given(st.text("a:/@ -s.", max_size=60), st.integers(0, 40))
def test_a_cut_text_is_the_beginning_of_the_masked_one(text: str, limit: int) -> None:
    long = text.replace("s", "sk-" + "Q" * 20).replace("..", "://user:pass" + "word" * 300)
    assert mask_secrets(long, limit=limit) == mask_secrets(long)[:limit]


def test_secrets_that_overlap_are_masked_as_a_whole() -> None:
    register_secrets([("A", "abc-defgh"), ("B", "defgh-ijk")])
    assert mask_secrets("x abc-defgh-ijk y") == "x *** y"


def seconds(text: str, limit: int | None = None) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        mask_secrets(text, limit=limit)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("piece", ["a line\n", "https://h:", "sk-", "://a@", "Bearer ", "\u0448 "])
def test_masking_a_long_text_costs_its_length_and_of_a_cut_one_the_cut(piece: str) -> None:
    short, long = piece * (100_000 // len(piece)), piece * (1_600_000 // len(piece))
    assert seconds(long) < 48 * seconds(short) + 0.01  # 256 times as long, if it were quadratic
    if piece != "sk-":  # of which all is one secret
        assert seconds(long, limit=100) < seconds(short) + 0.01
