"""What is masked, and what is not."""

from __future__ import annotations

import logging

import pytest

from claude_agent_lsp.base.redaction import (
    MaskingFormatter,
    json_without_secrets,
    keep_secret,
    without_secrets,
)


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
    assert without_secrets(text) == masked


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
    assert without_secrets(text) == text


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
    assert without_secrets("a wordfish-wordfish") == "a ***"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "BYPASS", "PASSIVE_MODE", "HEADERS_FILE"])
def test_other_variables_are_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/home/of/nobody")
    assert without_secrets("in /home/of/nobody") == "in /home/of/nobody"


def test_headers_are_masked_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = "X-Org: abcdefgh12345\nAuthorization: Bearer qrstuvwx12345"
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", headers)
    assert without_secrets("-H abcdefgh12345 qrstuvwx12345 X-Org") == "-H *** *** X-Org"
    keep_secret(["Bearer of-an-mcp-server", "${SOME_KEY}"])
    assert without_secrets("of-an-mcp-server ${SOME_KEY}") == "*** ${SOME_KEY}"


def test_values_of_the_settings_env_are_masked_from_then_on() -> None:
    assert without_secrets("hunter2-value", {"ANY": "hunter2-value"}) == "***"
    assert without_secrets("the hunter2-value again") == "the *** again"
    assert without_secrets("a b", {"SHORT": "b"}) == "a b"


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
    without_secrets("", {"ANY": key})
    given = {"a": [f"x {key}", 1, None], key: ({"b": key},)}
    assert json_without_secrets(given) == {"a": ["x ***", 1, None], "***": [{"b": "***"}]}
