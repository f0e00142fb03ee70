"""What a stand-in does, each with the protocol at its hand."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.standins.cli import Cli


def obedient(cli: Cli) -> None:
    """Answers "OK.", or is interrupted if the prompt tells it to wait."""
    waiting = None
    for message in cli.messages():
        if message["type"] == "user":
            cli.state("running")
            cli.say("OK.")
            if "wait" in message["message"]["content"]:
                waiting = message
            else:
                cli.finish(message)
            continue
        cli.comply(message)
        if waiting is not None and message["request"]["subtype"] == "interrupt":
            cli.finish(waiting, subtype="error_during_execution", is_error=True)
            waiting = None


def stubborn(cli: Cli) -> None:
    """Ignores interrupts, the end of its input and SIGTERM, as does the child that it has."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for message in cli.messages():
        if message["type"] == "user":
            # It inherits what is ignored.
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
            cli.state("running")
            cli.say("I won't stop.")
    _for_ever()


def careless(cli: Cli) -> None:
    """Ends with its input, but leaves a child behind that ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    for message in cli.messages():
        cli.comply(message)


def forgetful(cli: Cli) -> None:
    """Takes the first interrupt of a turn, and forgets about it."""
    working, interrupts = None, 0
    for message in cli.messages():
        if message["type"] == "user":
            working, interrupts = message, 0
            cli.state("running")
            cli.say("OK.")
            continue
        cli.comply(message)
        interrupts += message["request"]["subtype"] == "interrupt"
        if working is not None and interrupts == 2:
            cli.finish(working, subtype="error_during_execution", is_error=True)
            working = None


def mute(_: Cli) -> None:
    """Never answers anything, not even that it has started."""
    _for_ever()


def babbling(_: Cli) -> None:
    """Says what is no protocol, for ever."""
    while True:
        print("Hello! What can I do for you?", flush=True)  # noqa: T201
        time.sleep(0.01)


def dead_at_start(_: Cli) -> None:
    """Ends as soon as it has begun."""
    sys.exit("Error: no memory")


def dying(cli: Cli) -> None:
    """Dies in the middle of its first turn, with words on stderr."""
    for message in cli.messages():
        if message["type"] == "user":
            cli.state("running")
            cli.say("I feel")
            sys.exit("Error: out of memory")
        cli.comply(message)


def deaf(cli: Cli) -> None:
    """Reads nothing more once it has been initialized."""
    cli.initialize()
    _for_ever()


def stuck(cli: Cli) -> None:
    """Answers prompts, but no control request after the first."""
    for message in cli.messages():
        if message["type"] == "user":
            cli.state("running")
            cli.finish(message)


def limited(cli: Cli) -> None:
    """Tells of the account's limits with its answer."""
    for message in cli.messages():
        if message["type"] != "user":
            cli.comply(message)
            continue
        cli.state("running")
        for used in (0.8, 0.9):
            info = {
                "status": "allowed_warning",
                "resetsAt": 2_000_000_000,
                "rateLimitType": "seven_day",
                "utilization": used,
                "overageStatus": "rejected",
            }
            cli.tell(type="rate_limit_event", rate_limit_info=info)
        cli.finish(message)


def _for_ever() -> None:
    while True:
        time.sleep(1000)
