from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from lsprotocol.types import InitializeParams
from pygls.protocol import default_converter

from claude_agent_lsp.lsp.client_profile import PLAIN_BOX, ClientProfile


def structured(raw: dict[str, Any]) -> ClientProfile:
    params = {"processId": None, "rootUri": None, **raw}
    converter = default_converter()  # type: ignore[no-untyped-call]
    return ClientProfile.parse(converter.structure(params, InitializeParams))


def profile(
    name: str | None = None, version: str | None = None, **capabilities: Any
) -> ClientProfile:
    info = {"clientInfo": {"name": name, "version": version}} if name else {}
    return structured({"capabilities": capabilities, **info})


def recorded(file: str) -> ClientProfile:
    return structured(json.loads((files("pytest_lsp") / "clients" / file).read_text()))


def test_an_unknown_editor_with_no_capabilities_is_a_plain_client() -> None:
    assert profile() == ClientProfile()
    assert profile("Kate") == ClientProfile(name="Kate")
    plain = profile("Kate")
    assert (plain.shows_results, plain.drops_results, plain.shows_errors) == (False, False, False)
    assert plain.message_box == PLAIN_BOX


def test_whoever_knows_this_server_shows_everything() -> None:
    found = profile("Kate", experimental={"claudeAgent": {}})
    assert (found.shows_results, found.shows_errors, found.message_box) == (True, True, None)


def test_visual_studio_code_waits_and_shows_everything() -> None:
    assert recorded("visual_studio_code_v1.65.2.json") == ClientProfile(
        name="Visual Studio Code",
        shows_results=True,
        shows_errors=True,
        message_box=None,
        show_document=True,
        work_done_progress=True,
        configuration=True,
        dynamic_configuration=True,
        code_action_literals=True,
        related_information=True,
        dynamic_synchronization=True,
        synchronization=True,
        apply_edit=True,
        versioned_edits=True,
        annotations=True,
        code_lens_refresh=True,
    )


def test_neovim_waits() -> None:
    found = recorded("neovim_v0.11.0.json")
    assert (found.name, found.waits, found.shows_results) == ("Neovim", True, True)
    assert (found.show_document, found.work_done_progress) == (True, True)
    assert found.configuration
    assert not found.dynamic_configuration


@pytest.mark.parametrize("name", ["Eglot", "Emacs (eglot)"])
def test_eglot_does_not_wait_but_answers_questions(name: str) -> None:
    found = profile(name)
    assert (found.waits, found.shows_results, found.show_message_request) == (False, False, True)
    assert (found.drops_results, found.shows_errors) == (True, True)
    assert recorded("emacs_v29.1.json").waits is False


@pytest.mark.parametrize(
    ("version", "answers"),
    [
        (None, False),
        ("nonsense", False),
        ("23.10", False),
        ("25.07", False),
        ("25.07.1 (a05c151b)", False),
        ("26.01 (0123abcd)", True),
        ("25.12", True),
    ],
)
def test_helix_does_not_wait_and_old_ones_never_answer_a_question(
    version: str | None, answers: bool
) -> None:
    found = profile("helix", version)
    assert (found.waits, found.shows_results) == (False, False)
    assert found.show_message_request is answers


def test_helix_is_believed_when_it_announces_questions() -> None:
    assert profile("helix", "25.07.1", window={"showMessage": {}}).show_message_request


def test_capabilities_that_are_refused_are_not_there() -> None:
    found = profile(
        "other",
        window={"showDocument": {"support": False}, "workDoneProgress": False},
        workspace={
            "configuration": False,
            "workspaceFolders": False,
            "didChangeConfiguration": {"dynamicRegistration": False},
        },
    )
    assert found == ClientProfile(name="other")
