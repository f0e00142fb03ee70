"""What is measured, and how: each measure takes its rounds, in each one peer after the other."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.figures import Bound, Measure
from benchmarks.peers import ACP, CLIENT, NEXT, PYGLS, QUERY, SERVER, UNRECORDED, Session
from benchmarks.peers.editor import BARE, EXECUTABLE, Connection
from benchmarks.processes import below, calm, cli_of, cpu_at_rest, memory_of
from benchmarks.stage import AHEAD, ALL, AT_ONCE, KEPT, STANDING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from benchmarks.peers import Peer
    from benchmarks.stage import Stage

SHORT: Final = "say 20 tokens"
TOKENS: Final = 5000
LONG: Final = f"say {TOKENS} tokens"
SLOW: Final = "say 4000 tokens every 5 ms"
WHOLE: Final = "this server, no token"
CONNECTED: Final = (SERVER, UNRECORDED, CLIENT, ACP)
# A long answer many times over would fill the model's window.
LONG_TURNS_OF_A_SESSION: Final = 5


@dataclass(frozen=True)
class Extent:
    """How much is done.

    Attributes:
        rounds: Of a measure whose rounds take about two seconds.
        quick: A glance: one round each, without what takes long.
    """

    rounds: int = 10
    quick: bool = False

    def numbers(self, factor: float, *, warm_up: bool = True) -> range:
        """Return the numbers of a measure's rounds.

        Args:
            factor: How many times more, or less, it needs.
            warm_up: Whether there is a round -1, which counts for nothing.
        """
        if self.quick:
            return range(1)
        return range(-1 if warm_up else 0, max(2, round(self.rounds * factor)))

    @property
    def resumed(self) -> tuple[int, ...]:
        """How long the sessions are that are resumed, in turns."""
        return (2, 10) if self.quick else (2, 200)

    @property
    def at_once(self) -> tuple[int, ...]:
        """How many sessions work at once."""
        return (1, 2) if self.quick else (1, 4, 8)


class Values:
    """What the rounds of some measures have given. The rounds before the first are not kept."""

    def __init__(self) -> None:
        self._rounds: dict[str, dict[int, dict[str, float]]] = defaultdict(dict)

    def note(self, measure: str, number: int, peer: str, value: float | None) -> None:
        """Add a peer's value of a round."""
        if number >= 0 and value is not None:
            self._rounds[measure].setdefault(number, {})[peer] = value

    def __getitem__(self, measure: str) -> tuple[Mapping[str, float], ...]:
        return tuple(self._rounds[measure].values())


async def in_turn(
    peers: Mapping[str, Peer], numbers: range, *, seldom: int = 1
) -> AsyncIterator[tuple[int, Peer]]:
    """Yield each round's number with each peer: A B C D A B C D, so that a slow moment hits all.

    Each gets its turn when what the one before it has set off is over.

    Args:
        peers: Who takes part.
        numbers: Those of the rounds.
        seldom: Those that start a process for each turn only take part in every such round.
    """
    for number in numbers:
        for name, peer in peers.items():
            if name in CONNECTED or number % seldom == 0:
                await _quiet(peers)
                yield number, peer


async def _quiet(peers: Mapping[str, Peer]) -> None:
    await calm([peer.pid for peer in peers.values() if peer.pid is not None])


async def initialize(stage: Stage, extent: Extent) -> list[Measure]:
    """From the start of the process to the answer of `initialize`."""
    values = Values()
    for number in extent.numbers(1):
        for name, command in ((SERVER, (str(EXECUTABLE),)), (PYGLS, BARE)):
            started = time.monotonic()
            connection = await Connection.open(command, stage.place)
            try:
                connection.settings = dict(AT_ONCE)
                answered = await connection.initialize(stage.place.folder)
            finally:
                await connection.close()
            values.note("initialize", number, name, answered - started)
    bound = Bound(1.25, PYGLS)
    return [Measure("`initialize` answered", "s", values["initialize"], SERVER, bound)]


async def cold(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the first token of a new session: adapter up, SDK loaded, CLI not started."""
    values = Values()
    async with stage.peers(*stage.all, settings=AT_ONCE) as peers:
        async for number, peer in in_turn(peers, extent.numbers(1)):
            turn = await peer.turn(Session(), SHORT)
            await peer.rest()
            values.note("cold", number, peer.name, turn.to_first)
    bound = Bound(1.1, QUERY)
    return [Measure("first token, new session", "s", values["cold"], SERVER, bound)]


async def start(stage: Stage, extent: Extent) -> list[Measure]:
    """From the start of the adapter's process to the first token of a query sent at once."""
    values = Values()
    names = [name for name in stage.all if name in (SERVER, ACP)]
    for number in extent.numbers(0.6):
        for name in names:
            started = time.monotonic()
            async with stage.peers(name, settings=KEPT) as peers:
                turn = await peers[name].turn(Session(), SHORT)
            assert turn.first is not None
            values.note("start", number, name, turn.first - started)
    return [Measure("start to first token", "s", values["start"], SERVER, Bound(1.0, ACP))]


async def ahead(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the first token of a new server's first query, as an editor has it: started ahead."""
    values = Values()
    session = Session()
    # A process is started ahead for the session that a folder has, if it has one.
    async with stage.peers(SERVER, settings=KEPT) as peers:
        await peers[SERVER].turn(session, SHORT)
    for number in extent.numbers(0.4, warm_up=False):
        server = await stage.server(AHEAD)
        try:
            await server.ready()
            turn = await server.turn(session, SHORT)
        finally:
            await server.close()
        values.note("ahead", number, SERVER, turn.to_first)
    return [Measure("first token, new server, started ahead", "s", values["ahead"], SERVER)]


async def standing(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the first token of a new session for which a process stands ready."""
    values = Values()
    for number in extent.numbers(0.6):
        # Each with a server of its own: sessions that are done keep their processes.
        server = await stage.server(STANDING)
        try:
            session = Session()
            await server.turn(session, SHORT)
            await server.standing()
            begun = await server.turn(Session(), SHORT)
            values.note("standing", number, SERVER, begun.to_first)
            for _ in range(2):
                await calm([server.pid])
                turn = await server.turn(session, SHORT)
            values.note("standing", number, NEXT, turn.to_first)
        finally:
            await server.close()
    name = "first token, new session, one stands ready"
    return [Measure(name, "s", values["standing"], SERVER, Bound(1.3, NEXT))]


async def warm(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the first token of the next turn; a connected peer has its CLI at hand."""
    values = Values()
    async with stage.peers(*stage.all, settings=KEPT) as peers:
        sessions = {name: Session() for name in peers}
        for peer in peers.values():
            await peer.turn(sessions[peer.name], SHORT)
        async for number, peer in in_turn(peers, extent.numbers(6), seldom=10):
            turn = await peer.turn(sessions[peer.name], SHORT)
            values.note("warm", number, peer.name, turn.to_first)
    bound = Bound(1.15, CLIENT)
    return [Measure("first token, next turn", "s", values["warm"], SERVER, bound)]


async def resume(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the first token after a resume: adapter up, CLI not started."""
    values = Values()
    sources = {turns: await stage.conversation(turns) for turns in extent.resumed}
    async with stage.peers(*ALL, settings=AT_ONCE) as peers:
        async for number, peer in in_turn(peers, extent.numbers(0.6)):
            for turns, source in sources.items():
                await _quiet(peers)
                turn = await peer.turn(stage.copy(source), SHORT)
                await peer.rest()
                values.note(f"{turns}", number, peer.name, turn.to_first)
    return [
        Measure(f"first token, {n} turns resumed", "s", values[f"{n}"], SERVER, beside=QUERY)
        for n in extent.resumed
    ]


async def cancel(stage: Stage, extent: Extent) -> list[Measure]:
    """From the cancel in mid-stream to its end, and to the model's closed connection."""
    values = Values()
    names = [name for name in stage.all if name != QUERY or not extent.quick]
    async with stage.peers(*names, settings=KEPT) as peers:
        sessions = {name: Session() for name in peers}
        for peer in peers.values():
            await peer.turn(sessions[peer.name], SHORT)
        async for number, peer in in_turn(peers, extent.numbers(1)):
            # A cancelled query() takes seconds.
            if peer.name == QUERY and number not in (0, 1):
                continue
            prompt = f"{SLOW} (round {number} of {peer.name})"
            turn = await peer.turn(sessions[peer.name], prompt, cancel=True)
            hung_up = await stage.model.hung_up(prompt)
            assert turn.cancelled is not None
            values.note("response", number, peer.name, turn.ended - turn.cancelled)
            values.note("hang-up", number, peer.name, hung_up - turn.cancelled)
    return [
        Measure("cancel to its answer", "s", values["response"], SERVER, Bound(0.1)),
        Measure("cancel to the model's hang-up", "s", values["hang-up"], SERVER, Bound(0.05)),
    ]


async def tokens(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure a long answer in a warm session: its pace, and what it burns."""
    values = Values()
    async with stage.peers(*ALL, settings=KEPT) as peers:
        ways = {**peers, WHOLE: peers[SERVER]}
        sessions: dict[str, Session] = {}
        for number in extent.numbers(1):
            for way, peer in ways.items():
                if peer.name not in CONNECTED and number % 3:
                    continue
                if number % LONG_TURNS_OF_A_SESSION == 0 or way not in sessions:
                    sessions[way] = Session()
                    await peer.turn(sessions[way], SHORT)
                await _quiet(peers)
                await _long_turn(peer, sessions[way], number, way, values)
    at_least = Bound(0.9, CLIENT, at_least=True)
    return [
        Measure("tokens a second, streamed", "1/s", values["streamed"], SERVER, at_least),
        Measure("tokens a second, to the answer", "1/s", values["whole"], SERVER, at_least),
        Measure("the same, not streamed", "1/s", values["whole"], WHOLE, at_least),
        Measure("CPU of the adapter", "s", values["adapter"], SERVER, beside=CLIENT),
        Measure("CPU of the adapter, not streamed", "s", values["adapter"], WHOLE, beside=CLIENT),
        Measure("CPU of the CLI", "s", values["cli"], SERVER, beside=CLIENT),
    ]


async def _long_turn(peer: Peer, session: Session, number: int, way: str, values: Values) -> None:
    connected = peer.name in CONNECTED
    own, clis = [], []
    if peer.pid is not None:
        own = [process.pid for process in below(peer.pid)[1]]
        clis = [cli_of(session.id, peer.pid)] if connected else []
    adapter, cli = await cpu_at_rest(own), await cpu_at_rest(clis)
    turn = await peer.turn(session, LONG, weigh=not connected, streamed=way != WHOLE)
    if turn.text.count("word") != TOKENS:
        raise RuntimeError(f"{way}: not all of the answer came")
    values.note("whole", number, way, TOKENS / turn.seconds)
    if turn.first is not None and turn.last is not None:
        values.note("streamed", number, way, TOKENS / (turn.last - turn.first))
    if own:
        values.note("adapter", number, way, await cpu_at_rest(own) - adapter)
    values.note("cli", number, way, turn.cli.cpu if turn.cli else await cpu_at_rest(clis) - cli)


async def journal(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure what it costs to write down what is shown before it is shown."""
    values = Values()
    async with stage.peers(SERVER, UNRECORDED, settings=KEPT) as peers:
        sessions: dict[str, Session] = {}
        async for number, peer in in_turn(peers, extent.numbers(2)):
            if number % LONG_TURNS_OF_A_SESSION == 0 or peer.name not in sessions:
                sessions[peer.name] = Session()
                await peer.turn(sessions[peer.name], SHORT)
                await _quiet(peers)
            turn = await peer.turn(sessions[peer.name], LONG)
            values.note("whole", number, peer.name, TOKENS / turn.seconds)
    bound = Bound(0.95, UNRECORDED, at_least=True)
    return [Measure("the same, journal or not", "1/s", values["whole"], SERVER, bound)]


async def memory(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure what the adapter and its CLI weigh after a long answer; one peer at a time is up."""
    values = Values()
    for number in extent.numbers(0.3, warm_up=False):
        for name in ALL:
            async with stage.peers(name, settings=KEPT) as peers:
                session = Session()
                await peers[name].turn(session, SHORT)
                turn = await peers[name].turn(session, LONG, weigh=True)
                assert turn.cli is not None
                values.note("cli", number, name, turn.cli.memory)
                pid = peers[name].pid
                if pid is not None:
                    own = sum(memory_of(process.pid) for process in below(pid)[1])
                    values.note("adapter", number, name, own)
    bound = Bound(85 * 2**20)
    return [
        Measure("memory of the adapter", "B", values["adapter"], SERVER, bound, beside=CLIENT),
        Measure("memory of its CLI", "B", values["cli"], SERVER, beside=CLIENT),
    ]


async def at_once(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the next turn of several sessions at once, until the last is answered."""
    values = Values()
    async with stage.peers(*stage.all, settings=KEPT) as peers:
        most = max(extent.at_once)
        sessions = {name: [Session() for _ in range(most)] for name in peers}
        for peer in peers.values():
            for session in sessions[peer.name]:
                await peer.turn(session, SHORT)
        async for number, peer in in_turn(peers, extent.numbers(1.2), seldom=4):
            for count in extent.at_once:
                await _quiet(peers)
                asked = (peer.turn(each, SHORT) for each in sessions[peer.name][:count])
                turns = await asyncio.gather(*asked)
                seconds = max(t.ended for t in turns) - min(t.sent for t in turns)
                values.note(f"{count}", number, peer.name, seconds)
    return [
        Measure(
            f"{count} session{'s' if count > 1 else ''} at once, next turn",
            "s",
            values[f"{count}"],
            SERVER,
            beside=CLIENT,
        )
        for count in extent.at_once
    ]


TURNS: Final[Mapping[str, Callable[[Stage, Extent], Awaitable[list[Measure]]]]] = {
    "initialize": initialize,
    "cold": cold,
    "start": start,
    "ahead": ahead,
    "standing": standing,
    "warm": warm,
    "resume": resume,
    "cancel": cancel,
    "tokens": tokens,
    "journal": journal,
    "memory": memory,
    "sessions": at_once,
}
