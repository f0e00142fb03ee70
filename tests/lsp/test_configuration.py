"""Settings are asked of the editor when they are needed, and told when they are wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from claude_agent_lsp.lsp.client_profile import ClientProfile
from claude_agent_lsp.lsp.services import configuration
from claude_agent_lsp.lsp.services.configuration import Configuration
from claude_agent_lsp.workspace.folders import Folder
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.folder_trust import FolderTrust

ONE = Folder("file:///one", Path("/one"), "one")
TWO = Folder("file:///two", Path("/two"), "two")


class Server:
    """As much of a server as its configuration needs, and its editor."""

    def __init__(self) -> None:
        self.profile = ClientProfile(configuration=True)
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.late_answer: Any = None
        self.withdrawn = 0
        self.told: list[str] = []
        self.adopted: list[Settings] = []
        self.trusted = True
        self.trust_fails: Exception | None = None
        self.configuration = Configuration(
            cast("Editor", self), cast("FolderTrust", self), self.adopt
        )

    def on_change(self, listener: Callable[[], None]) -> None:
        self.trust_changed = listener

    async def is_trusted(self, _: Path) -> bool:
        if self.trust_fails is not None:
            raise self.trust_fails
        return self.trusted

    async def request(self, method: str, params: Any) -> Any:
        assert method == "workspace/configuration"
        (item,) = params.items
        self.asked.append((item.scope_uri, item.section))
        answer = self.answers.get(item.scope_uri)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            try:
                await answer.wait()
            except asyncio.CancelledError:
                self.withdrawn += 1
                raise
            answer = self.late_answer
        return answer

    def show_message(self, _: object, text: str) -> None:
        self.told.append(text)

    def adopt(self, settings: Settings) -> None:
        self.adopted.append(settings)


@pytest_asyncio.fixture
async def server() -> Server:
    return Server()


async def test_each_folder_is_asked_for_once(server: Server) -> None:
    server.answers = {ONE.uri: [{"model": "a"}], TWO.uri: [{"model": "b"}]}
    asked = [server.configuration.settings_in(folder) for folder in (ONE, TWO, ONE)]
    assert [each.model for each in await asyncio.gather(*asked)] == ["a", "b", "a"]
    await server.configuration.settings_in(TWO)
    assert server.asked == [(ONE.uri, "claudeAgent"), (TWO.uri, "claudeAgent")]


async def test_changed_settings_are_asked_for_anew(server: Server) -> None:
    server.answers = {ONE.uri: [{"model": "a"}]}
    await server.configuration.settings_in(ONE)
    server.answers = {ONE.uri: [{"model": "b"}]}
    server.configuration.change(None)
    assert (await server.configuration.settings_in(ONE)).model == "b"


@pytest.mark.parametrize("answer", [None, [], [None], {}, "x", [{}]])
async def test_what_is_not_set_is_as_it_came_with_initialize(
    server: Server, answer: object
) -> None:
    server.configuration.begin({"settings": {"model": "first"}})
    server.answers = {ONE.uri: answer}
    assert (await server.configuration.settings_in(ONE)).model == "first"


async def test_editor_that_fails_to_answer_is_asked_again(server: Server) -> None:
    server.configuration.begin({"settings": {"model": "first"}})
    server.answers = {ONE.uri: RuntimeError("busy")}
    assert (await server.configuration.settings_in(ONE)).model == "first"
    server.answers = {ONE.uri: [{"model": "a"}]}
    assert (await server.configuration.settings_in(ONE)).model == "a"


async def test_editor_that_never_answers_is_waited_for_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(configuration, "ANSWER_SECONDS", 0.01)
    server.configuration.begin({"settings": {"model": "first"}})
    server.answers = {ONE.uri: asyncio.Event()}
    for _ in range(3):
        assert (await server.configuration.settings_in(ONE)).model == "first"
    assert len(server.asked) == len(caplog.records) == 1
    # It is asked anew once it says that something has changed, and the old request withdrawn.
    server.configuration.change(None)
    await asyncio.sleep(0)
    assert server.withdrawn == 1
    assert (await server.configuration.settings_in(ONE)).model == "first"
    assert len(server.asked) == len(caplog.records) == 2
    server.configuration.forget(ONE.uri)
    await asyncio.sleep(0)
    assert server.withdrawn == 2


@pytest.mark.parametrize("meanwhile", ["nothing", "a change"])
async def test_an_answer_that_comes_late_counts_unless_it_was_asked_anew(
    server: Server, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    monkeypatch.setattr(configuration, "ANSWER_SECONDS", 0.01)
    late = asyncio.Event()
    server.answers = {ONE.uri: late}
    assert (await server.configuration.settings_in(ONE)).model is None
    assert len(server.adopted) == 1
    if meanwhile == "a change":
        server.configuration.change(None)
        server.answers = {ONE.uri: [{"model": "new"}]}
        assert (await server.configuration.settings_in(ONE)).model == "new"
    server.late_answer = [{"model": "late"}]
    late.set()
    expected = "late" if meanwhile == "nothing" else "new"
    async with asyncio.timeout(10):
        while (await server.configuration.settings_in(ONE)).model != expected:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (await server.configuration.settings_in(ONE)).model == expected
    assert [settings.model for settings in server.adopted] == [None, expected]


@pytest.mark.parametrize("options", [None, [], "x", {}, {"settings": None}, {"other": 1}])
async def test_initialize_without_settings_leaves_the_defaults(
    server: Server, options: object
) -> None:
    server.configuration.begin(options)
    assert server.configuration.initial.permission_mode == "default"
    assert server.told == []


async def test_wrong_setting_is_told_once(server: Server) -> None:
    server.configuration.begin({"settings": {"maxProcesses": 0}})
    server.answers = {ONE.uri: [{"maxProcesses": 0}], TWO.uri: [{"maxProcesses": -1}]}
    assert (await server.configuration.settings_in(ONE)).max_processes == 4
    await server.configuration.settings_in(TWO)
    server.configuration.change(None)
    await server.configuration.settings_in(ONE)
    start = "claudeAgent.maxProcesses: expected a whole number of at least 1, got "
    assert server.told == [f"{start}0; using 4.", f"{start}-1; using 4."]


async def test_client_that_can_not_be_asked_sends_what_has_changed(server: Server) -> None:
    server.profile = ClientProfile()
    server.configuration.begin({"settings": {"model": "first", "effort": "low"}})
    for sent, model in (
        ({"claudeAgent": {"model": "second"}}, "second"),
        ({"other": {}}, "first"),
        ({"claudeAgent": None}, "first"),
        (None, "first"),
    ):
        server.configuration.change(sent)
        settings = await server.configuration.settings_in(ONE)
        assert (settings.model, settings.effort) == (model, "low"), sent
    assert server.asked == []


async def test_client_that_is_asked_need_not_send_anything(server: Server) -> None:
    server.answers = {ONE.uri: [{"model": "asked"}]}
    server.configuration.change({"claudeAgent": {"model": "sent"}})
    assert (await server.configuration.settings_in(ONE)).model == "asked"


async def test_what_is_the_servers_takes_effect(server: Server) -> None:
    server.configuration.begin({"settings": {"logLevel": "debug"}})
    server.answers = {ONE.uri: [{"stateDirectory": "/state"}]}
    await server.configuration.settings_in(ONE)
    assert [each.log_level for each in server.adopted] == ["debug", "debug"]
    assert server.adopted[-1].state_directory == Path("/state")
    # Reading them again changes nothing; they do as they arrive anew.
    await server.configuration.settings_in(ONE)
    await server.configuration.settings_as_sent(ONE)
    assert len(server.adopted) == 2
    server.configuration.change(None)
    await server.configuration.settings_in(ONE)
    assert len(server.adopted) == 3


async def test_what_is_the_servers_takes_effect_in_a_folder_once_it_is_trusted(
    server: Server,
) -> None:
    server.trusted = False
    server.answers = {ONE.uri: [{"stateDirectory": "/state"}]}
    await server.configuration.settings_in(ONE)
    assert server.adopted == []
    server.trusted = True
    server.configuration.renew()
    await server.configuration.settings_in(ONE)
    assert [each.state_directory for each in server.adopted] == [Path("/state")]


async def test_editor_that_does_not_answer_any_more_takes_no_limit_away(server: Server) -> None:
    server.answers = {ONE.uri: [{"dailyBudgetUsd": 5}]}
    await server.configuration.settings_in(ONE)
    server.configuration.change(None)
    server.answers = {ONE.uri: RuntimeError("busy")}
    assert (await server.configuration.settings_in(ONE)).daily_budget_usd == 5


async def test_what_is_remembered_has_bounds(server: Server) -> None:
    for number in range(3 * configuration.MOST_REPORTED):
        server.answers = {ONE.uri: [{"maxProcesses": -number}]}
        server.configuration.change(None)
        await server.configuration.settings_in(ONE)
    assert len(server.configuration._reported) == configuration.MOST_REPORTED
    for number in range(50):
        folder = Folder(f"file:///{number}", Path(f"/{number}"), "folder")
        await server.configuration.settings_in(folder)
        server.configuration.forget(folder.uri)
    assert len(server.configuration._by_folder) == len(server.configuration._last) == 1


async def test_folder_that_is_not_trusted_gets_what_runs_no_code(server: Server) -> None:
    server.trusted = False
    server.answers[ONE.uri] = [
        {
            "model": "m",
            "cliPath": "/claude",
            "env": {"A": "b"},
            "mcpServers": {"s": {"command": "c"}},
            "permissionMode": "bypassPermissions",
            "sessionStore": "redis://h",
            "additionalDirectories": ["/d"],
        }
    ]
    every = await server.configuration.settings_as_sent(ONE)
    held = await server.configuration.settings_in(ONE)
    assert held == Settings(model="m", setting_sources=("user",), prewarm=False)
    assert every.withheld() == (
        *("permissionMode", "mcpServers", "additionalDirectories"),
        *("cliPath", "env", "sessionStore"),
    )
    assert held.withheld() == ()


async def test_settings_that_could_not_arrive_are_asked_for_again(server: Server) -> None:
    server.answers = {ONE.uri: [{"model": "a"}]}
    server.trust_fails = RuntimeError("can't start new thread")
    with pytest.raises(RuntimeError):
        await server.configuration.settings_as_sent(ONE)
    server.trust_fails = None
    assert (await server.configuration.settings_as_sent(ONE)).model == "a"
