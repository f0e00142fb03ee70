"""What a shared store can do beyond the SDK's `SessionStore`: marks, cuts, and ownership.

A transcript in a store is a list of lines. Each line has a digest that covers all lines up to it,
so that a mark (how many lines, and their digest) says in one comparison whether two copies are
the same up to there. An append that names the mark that it goes on from is idempotent: lines that
are there already are not added again, a gap or another history is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from abc import abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

from claude_agent_sdk import SessionStore, fold_session_summary

from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import AgentLspError, SessionBusy, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claude_agent_sdk import SessionKey, SessionStoreEntry, SessionSummaryEntry

    from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress

# No message of the Messages API is longer, and the interpreter has it read in a moment.
MOST_LINE_BYTES: Final = 32 * 2**20
# When a store has returned so much, it returns the rest another time.
ANSWER_BYTES: Final = 2**22
_DIGEST_BYTES: Final = 16
# An index doesn't take an id of any length.
_ID_LENGTH: Final = 100
# A store that does not take a session back in time will find out by itself.
RELEASE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a transcript: behind its first `lines` lines, which have this digest."""

    lines: int
    digest: str


START: Final = Mark(0, "")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who works in a session: shown to whoever is refused.

    Attributes:
        editor: The editor's name.
        process: The server's process id.
        machine: The machine's name.
        server: What no other server in the world has; empty if it isn't known.
    """

    editor: str
    process: int
    machine: str
    server: str = ""

    def as_json(self) -> str:
        """Return it as a store keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def told(cls, content: str | None) -> str:
        """Return who it is as the beginning of a sentence, whatever a store has kept of it."""
        try:
            owner = cls(**parse_json((content or "").encode()))
        except (ValueError, TypeError):
            return "Another server on another machine"
        return f"{owner.editor} (process {owner.process} on {owner.machine})"


class Diverged(AgentLspError):
    """The store's copy of a transcript is not what an append wants to go on from."""


class ClaimLost(AgentLspError):
    """The session isn't ours any more: the claim has run out, or somebody else has claimed it."""


class Claim(Protocol):
    """The ownership of a session, until it is released or lost."""

    @property
    def token(self) -> int:
        """Microseconds since 1970 on the store's clock, and more with every claim of the session.

        An append with an older one is refused.
        """

    @property
    def lost(self) -> bool:
        """Whether it is known to have ended without a release."""

    async def release(self) -> None:
        """Release the session. Never raises: a store that is gone has released it."""


class SharedStore(SessionStore):
    """A `SessionStore` that several machines work with.

    Every method raises `StoreUnavailable` if the store can't be reached, refuses, or is too slow.
    """

    @abstractmethod
    async def append(
        self,
        key: SessionKey,
        entries: list[SessionStoreEntry],
        *,
        after: Mark | None = None,
        token: int | None = None,
    ) -> None:
        """Add lines.

        Args:
            key: The transcript.
            entries: The lines.
            after: What they stand behind; those that the store has already are skipped. Left
                out, they stand at the end, without those whose `uuid` is there already.
            token: The claim that they are written under; left out, none is needed.

        Raises:
            Diverged: The store has another history, or not yet what `after` stands for.
            ClaimLost: The claim isn't the session's newest, or has run out.
        """

    @abstractmethod
    async def load_after(self, key: SessionKey, line: int, limit: int) -> list[SessionStoreEntry]:
        """Return at most `limit` lines behind the first `line` ones.

        They are fewer where they are long; at the transcript's end there are none.
        """

    @abstractmethod
    async def head(self, key: SessionKey) -> Mark:
        """Return how much the store has of a transcript."""

    @abstractmethod
    async def digests(self, key: SessionKey) -> list[str]:
        """Return the digest of every line, each of all lines up to it."""

    @abstractmethod
    async def cut(self, key: SessionKey, mark: Mark, *, token: int) -> None:
        """Forget all lines behind a mark.

        Raises:
            Diverged: There is no such mark.
            ClaimLost: As for `append`.
        """

    @abstractmethod
    async def claim(self, key: SessionKey, owner: Owner) -> Claim:
        """Take a session, on all machines.

        An owner takes what it has itself, and its earlier claim is lost: of a claim that a store
        took too late, the owner knows nothing.

        Raises:
            SessionBusy: Somebody else works in it; the message says who.
        """

    @abstractmethod
    async def lacks(self, sent: Sequence[tuple[SessionKey, Mark]]) -> list[bool]:
        """Return of each place that a transcript has once reached whether it is there no more.

        It is where a store was restored from an older state, has lost its memory, or has taken
        another history instead; a store that went on from there has it.
        """

    @abstractmethod
    async def deleted(self, key: SessionKey, *, since: int) -> bool:
        """Return whether a session was deleted after the claim with this token."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections. Never raises."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as a store keeps it."""

    entry: SessionStoreEntry
    content: str
    digest: str

    @property
    def uuid(self) -> str | None:
        """Its id, if it has one."""
        return uuid_of(self.entry)


def encoded(entry: SessionStoreEntry) -> str:
    """Return a line as text: ASCII, so that no database minds what is in it."""
    return json.dumps(entry, separators=(",", ":"))


def entries_in(rows: Iterable[str | None], line: int = 0) -> list[SessionStoreEntry]:
    """Return lines as a store keeps them, whoever has written them. Call it in a thread.

    Args:
        rows: The lines; nothing stands for one that is longer than `MOST_LINE_BYTES`.
        line: How many lines stand before them.

    Raises:
        ValueError: One of them is none, or has too much in it.
    """
    entries: list[SessionStoreEntry] = []
    for number, row in enumerate(rows, line + 1):
        if not row:
            raise ValueError(_too_long(f"line {number} of the session"))
        try:
            entry = parse_json(row.encode())
        except ValueError as error:
            raise ValueError(f"line {number} of the session can't be read: {error}") from None
        if not isinstance(entry, dict):
            raise ValueError(f"line {number} of the session is no JSON object")  # noqa: TRY004
        entries.append(cast("SessionStoreEntry", entry))
    return entries


def readable_in(rows: Iterable[str]) -> list[SessionStoreEntry]:
    """Return those of a store's lines that can be read. Call it in a thread."""
    entries: list[SessionStoreEntry] = []
    for row in rows:
        with contextlib.suppress(ValueError):
            entries += entries_in([row])
    return entries


def summaries_in(rows: Iterable[tuple[str, int, str]]) -> list[SessionSummaryEntry]:
    """Return summaries that a store keeps, but for what is none. Call it in a thread.

    Args:
        rows: Of each session its id, when it has changed, and its summary.
    """
    found: list[SessionSummaryEntry] = []
    for session_id, mtime, row in rows:
        with contextlib.suppress(ValueError):
            data = parse_json(row.encode())
            if isinstance(data, dict):
                found.append({"session_id": session_id, "mtime": mtime, "data": data})
    return found


def _too_long(what: str) -> str:
    return f"{what} is longer than {MOST_LINE_BYTES >> 20} MiB"


def digest_after(digest: str, content: str) -> str:
    """Return the digest of all lines up to this one."""
    chained = hashlib.blake2b(digest.encode(), digest_size=_DIGEST_BYTES)
    chained.update(content.encode())
    return chained.hexdigest()


def chained(entries: Iterable[SessionStoreEntry], digest: str) -> list[Line]:
    """Return lines behind those that have this digest."""
    lines = []
    for entry in entries:
        content = encoded(entry)
        if len(content) > MOST_LINE_BYTES:
            raise ValueError(_too_long("a line of the session"))
        digest = digest_after(digest, content)
        lines.append(Line(entry, content, digest))
    return lines


def missing(
    entries: Sequence[SessionStoreEntry], after: Mark, stored: Sequence[str], head: Mark
) -> list[Line]:
    """Return those of `entries` that a store does not have yet.

    Args:
        entries: What stands behind `after`.
        after: Where they stand.
        stored: The store's digests from `after.lines` on (`after`'s own first, unless it is
            the start), as many as there are of these lines.
        head: What the store has.

    Raises:
        Diverged: The store has another history, or not yet what `after` stands for.
    """
    if head.lines < after.lines:
        raise Diverged(f"The store has {head.lines} of the {after.lines} lines before these.")
    own = chained(entries, after.digest)
    expected = [*([after.digest] if after.lines else []), *(line.digest for line in own)]
    if any(there != here for there, here in zip(stored, expected, strict=False)):
        raise Diverged("The lines in the store differ from these.")
    return own[head.lines - after.lines :]


def fresh(entries: Iterable[SessionStoreEntry], known: Iterable[str], digest: str) -> list[Line]:
    """Return those of `entries` whose ids are not `known`, each once, chained after `digest`."""
    seen = set(known)
    new = []
    for entry in entries:
        uuid = uuid_of(entry)
        if uuid is not None:
            if uuid in seen:
                continue
            seen.add(uuid)
        new.append(entry)
    return chained(new, digest)


def uuids_of(entries: Iterable[SessionStoreEntry]) -> list[str]:
    """Return the ids of those entries that have one."""
    return [uuid for entry in entries if (uuid := uuid_of(entry)) is not None]


def uuid_of(entry: SessionStoreEntry) -> str | None:
    """Return a line's id in a form that every database takes; None if it has none."""
    uuid = entry.get("uuid")
    if not isinstance(uuid, str):
        return None
    plain = len(uuid) <= _ID_LENGTH and uuid.isascii() and uuid.isprintable()
    return uuid if plain else digest_after("", json.dumps(uuid))


def unavailable(error: Exception, address: StoreAddress, hint: str) -> StoreUnavailable:
    """Return the message for a user whose store can't be used."""
    text = address.masked(str(error).strip().partition("\n")[0])
    if not text:
        text = "it did not answer in time" if isinstance(error, TimeoutError) else repr(error)
    return StoreUnavailable(
        f"The shared store {address} can't be used: {text.rstrip('.')}.", hint=hint
    )


def busy(session_id: str, owner: str | None) -> SessionBusy:
    """Return the message for the second one to claim a session."""
    return SessionBusy(f"{Owner.told(owner)} has an active run in the session {session_id}.")


def folded(session_id: str, before: str | None, key: SessionKey, lines: Iterable[Line]) -> str:
    """Return a session's summary with more lines, as the SDK makes it and a store keeps it."""
    entry: SessionSummaryEntry | None = None
    if before is not None:
        entry = {"session_id": session_id, "mtime": 0, "data": parse_json(before.encode())}
    return json.dumps(fold_session_summary(entry, key, [line.entry for line in lines])["data"])
