"""What is masked, and what is not."""

from __future__ import annotations

import logging

import pytest

from claude_agent_lsp.agent.secrets import (
    MaskingFormatter,
    json_without_secrets,
    without_secrets,
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("key sk-ant-api03-abcdefghij_klmn!", "key ***!"),
        ("redis://user:s3cret!x@host/0", "redis://***@host/0"),
        ("redis://:s3cret@host/0", "redis://***@host/0"),
        ("ghp_" + "a1" * 18, "***"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert without_secrets(text) == masked


@pytest.mark.parametrize(
    "text", ["a task-force", "https://host:8080/a@b", "risk-anticipation", "sk-1", "mailto:a@b"]
)
def test_other_words_stay(text: str) -> None:
    assert without_secrets(text) == text


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
