"""Opening the store that a URL names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores.address import REDIS, StoreAddress

if TYPE_CHECKING:
    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore


def open_store(url: str, *, timeout_seconds: float = 10.0) -> SharedStore:
    """Make the adapter for a URL; it connects with the first use.

    It imports a driver and the SDK: call it in a thread. The store itself belongs to the event
    loop that uses it first.

    Args:
        url: A postgresql:// or redis:// URL.
        timeout_seconds: How long each of its operations may take.

    Raises:
        InvalidArgument: It names no store that there is an adapter for.
        StoreUnavailable: The driver is not installed, or does not take the URL.
    """
    address = StoreAddress.parse(url)
    extra = "redis" if address.scheme in REDIS else "postgres"
    try:
        adapter = importlib.import_module(f"claude_agent_lsp.sessions.sharing.stores.{extra}")
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"The shared store {address} needs the Python package {error.name}.",
            hint=f"Install the server with it, from its clone: uv tool install '.[{extra}]'.",
        ) from None
    make = adapter.RedisStore if extra == "redis" else adapter.PostgresStore
    try:
        store: SharedStore = make(address, timeout_seconds=timeout_seconds)
    except ValueError as error:
        raise StoreUnavailable(
            f"The shared store {address} can't be used: {address.masked(str(error))}.",
            hint="Correct the setting claudeAgent.sessionStore.",
        ) from None
    return store
