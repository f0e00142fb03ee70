"""Where a shared store is, without its password ever being shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit, urlunsplit

from claude_agent_lsp.errors import InvalidArgument

MASK: Final = "***"
POSTGRES: Final = ("postgresql", "postgres")
REDIS: Final = ("redis", "rediss")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The URL of a store.

    `str` and `repr` show it without its password; nothing but the driver gets `url`.
    """

    url: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> StoreAddress:
        """Read a URL.

        Raises:
            InvalidArgument: It names no store that there is an adapter for.
        """
        try:
            parts = urlsplit(url.strip())
            password, _port = parts.password, parts.port
        except ValueError:
            # What is wrong with it is not shown: it may hold the password.
            raise InvalidArgument("sessionStore: expected a valid URL.") from None
        if parts.scheme not in (*POSTGRES, *REDIS):
            raise InvalidArgument(
                "sessionStore: expected a postgresql:// or redis:// URL, "
                f"got one that begins with {parts.scheme or 'no scheme'}."
            )
        fields = parse_qsl(parts.query, keep_blank_values=True)
        found = [value for name, value in fields if "pass" in name.lower() and value]
        if password:
            found.append(unquote(password))
        query = "&".join(
            f"{quote_plus(name)}={MASK if 'pass' in name.lower() else quote_plus(value)}"
            for name, value in fields
        )
        who, at, where = parts.netloc.rpartition("@")
        if ":" in who:
            who = f"{who.partition(':')[0]}:{MASK}"
        shown = urlunsplit((parts.scheme, f"{who}{at}{where}", parts.path, query, ""))
        spelled = {spelling for one in found for spelling in (one, quote(one, ""), quote_plus(one))}
        if password:
            spelled.add(password)
        return cls(url.strip(), shown, tuple(sorted(spelled, key=len, reverse=True)))

    @property
    def scheme(self) -> str:
        """Which kind of store it is."""
        return self.url.partition(":")[0].lower()

    def masked(self, text: str) -> str:
        """Return `text` without the password, in any of its spellings."""
        for spelled in (self.url, *self.secrets):
            text = text.replace(spelled, self.shown if spelled == self.url else MASK)
        return text

    def __str__(self) -> str:
        return self.shown
