"""A store's URL, shown without its password."""

from __future__ import annotations

import pytest

from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s3cret@h:1/db", "postgresql://me:***@h:1/db"),
        (
            "postgresql://me:s3cret%2Fx@h/db?sslmode=require",
            "postgresql://me:***@h/db?sslmode=require",
        ),
        ("postgresql://h/db?user=me&password=s3cret", "postgresql://h/db?user=me&password=***"),
        ("redis://:s3cret@h/0", "redis://:***@h/0"),
        ("rediss://h:6380", "rediss://h:6380"),
    ],
)
def test_password_is_not_shown(url: str, shown: str) -> None:
    address = StoreAddress.parse(url)
    assert str(address) == shown
    assert "s3cret" not in repr(address)
    assert address.url == url


def test_password_is_masked_in_whatever_is_said_in_any_spelling() -> None:
    url = "postgresql://me:s3cret%2Fa%20b@h/db"
    address = StoreAddress.parse(url)
    for spelled in ("s3cret/a b", "s3cret%2Fa%20b", "s3cret%2Fa+b"):
        assert address.masked(f"wrong: {spelled}!") == "wrong: ***!"
    assert address.masked(f"cannot open {url}") == f"cannot open {address}"
