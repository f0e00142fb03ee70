"""What goes to an editor whose messages hold little: whatever is asked or told, it fits."""

from __future__ import annotations

import asyncio
import math
import unicodedata
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from claude_agent_lsp.agent.permissions.destinations import Destinations
from claude_agent_lsp.agent.permissions.question_detail import describe
from claude_agent_lsp.agent.permissions.queue import ALLOW, DENY, Answer
from claude_agent_lsp.agent.question import Action, Grant, Grants, Question, QuestionOption
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.lsp.client_profile import HELIX_BOX, ClientProfile
from claude_agent_lsp.lsp.editor import READ, ConnectedEditor
from claude_agent_lsp.lsp.services.questions.ask_user import AskUser
from claude_agent_lsp.lsp.services.questions.question_documents import QuestionDocuments, markdown

if TYPE_CHECKING:
    from claude_agent_lsp.agent.permissions.queue import Shown
    from claude_agent_lsp.lsp.protocol import AgentProtocol
    from claude_agent_lsp.workspace.state import State

# Measured: of a message that is taller, a Helix in a terminal of 10 lines dies.
HELIX = ClientProfile(name="helix", message_box=HELIX_BOX)
# Somebody's editor that shows messages as they are: in a minibuffer, a popup, a line.
UNKNOWN = ClientProfile(name="unknown")
ROOM = {"helix": (8, 48), "unknown": (8, 100)}
PROFILES = st.sampled_from([HELIX, UNKNOWN])


class Plain:
    """Stands for the protocol, and for a user who chooses the first or the last action."""

    def __init__(self, profile: ClientProfile = HELIX, *, last: bool = False) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.progress: list[bool] = []
        self.opened: list[Question] = []
        self._last = last
        self.editor = ConnectedEditor(cast("AgentProtocol", self), cast("Any", None))
        self.editor.profile = profile
        self.documents = QuestionDocuments(
            self.editor, cast("State", None), lambda _: cast("Any", None)
        )
        self.documents.show = self._show  # type: ignore[method-assign, assignment]

    def notify(self, method: str, params: types.ShowMessageParams) -> None:
        assert method == types.WINDOW_SHOW_MESSAGE
        self.sent.append((params.message, []))

    async def ask(self, method: str, params: types.ShowMessageRequestParams) -> object:
        assert method == types.WINDOW_SHOW_MESSAGE_REQUEST
        assert params.actions
        self.sent.append((params.message, [action.title for action in params.actions]))
        return params.actions[-1 if self._last else 0]

    async def _show(self, questions: list[Question]) -> None:
        self.opened += questions

    def answer(self, question: Question) -> Shown:
        """The user's answer to a question."""

        def in_progress(_: Question, unread: bool) -> None:
            self.progress.append(unread)

        async def asked() -> Shown:
            asking = AskUser(
                self.editor,
                cast("State", None),
                self.documents,
                in_progress,
                lambda _: cast("Any", None),
            )
            answer = await asking.ask(question, False)
            await asyncio.sleep(0)  # what is opened, is opened beside it
            return answer

        return asyncio.run(asked())


def columns(text: str) -> int:
    assert "\t" not in text
    wide = ("W", "F", "A")
    return sum(2 if unicodedata.east_asian_width(c) in wide else 1 for c in text)


def letters(text: str) -> str:
    return "".join(visible(text, lines=True).split())


def question(title: str, detail: str, options: list[QuestionOption], **more: Any) -> Question:
    return Question(
        question_id=str(uuid.uuid4()),
        run_id="run",
        session_id="session",
        kind=more.pop("kind", "permission"),
        title=title,
        detail=detail,
        options=tuple(options),
        deadline=datetime.now(UTC),
        **more,
    )


def permission(command: str, grants: Grants | None = None) -> Question:
    about = describe("Bash", {"command": command}, Destinations(Path("/x")), grants=grants)
    options = [QuestionOption(DENY, "Deny"), QuestionOption(ALLOW, "Allow once")]
    if grants is not None:
        options.append(QuestionOption("allowSession", "Allow for this session"))
        options.append(QuestionOption("allowAlways", f"Always allow {grants.always[0].text}"))
    return question(about.title, about.detail, options, action=about.action, grants=about.grants)


# Letters of any kind, long and many lines, wide letters, tabs, combining marks, emoji.
TEXT = st.text(
    st.one_of(
        st.sampled_from("aw \n\t漢\u0301한🦀\u2e3b…\u202e\ufe0f\r\0│"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)
LONG = st.builds(lambda text, times: text * times, TEXT, st.sampled_from([1, 1, 3, 20, 400]))
COMMAND = st.builds(permission, LONG)
GRANTED = st.builds(
    lambda command, rule: permission(
        command,
        Grants(*((Grant("rule", f"`{visible(rule)}`", tool="Bash"),),) * 2, saved_in="a.json"),
    ),
    LONG,
    LONG,
)
CHOICE = st.builds(
    lambda title, labels, multiple: question(
        visible(title),
        "\n".join(map(visible, labels)),
        [QuestionOption(DENY, "Don't answer")]
        + [QuestionOption(str(n), visible(label)) for n, label in enumerate(labels)],
        kind="choice",
        multiple=multiple,
    ),
    LONG,
    st.lists(LONG, max_size=12),
    st.booleans(),
)
OTHER = st.builds(
    lambda kind, title, detail: question(
        title,
        detail,
        [QuestionOption(DENY, "Don't"), QuestionOption(ALLOW, "Do")],
        kind=kind,
    ),
    st.sampled_from(["plan", "trust"]),
    LONG,
    LONG,
)


@given(asked=st.one_of(COMMAND, GRANTED, CHOICE, OTHER), profile=PROFILES, last=st.booleans())
def test_whatever_is_asked_fits_and_is_whole_or_can_not_be_allowed(
    asked: Question, profile: ClientProfile, last: bool
) -> None:
    plain = Plain(profile, last=last)
    most_lines, most_columns = ROOM[profile.name]
    answer = plain.answer(asked)
    assert plain.sent
    for message, actions in plain.sent:
        lines = message.split("\n")
        assert len(lines) + len(actions) <= most_lines
        assert max(map(columns, [*lines, *actions])) <= most_columns
        # Helix cuts its actions to the width of the text.
        assert max(map(columns, lines)) >= max(map(columns, actions))
        assert len(set(actions)) == len(actions)
        if len(actions) == 1 or actions[1:] == [READ]:
            continue
        whole = letters(f"{asked.title}\n{asked.detail}")
        if "Allow once" in actions and "Allow for this session" not in actions:
            whole = letters(f"{asked.title}\n{asked.detail}".partition("\n\nFor this session: ")[0])
        assert letters(message).startswith(whole)
    if plain.sent[-1][1][-1] == READ and last:
        assert answer is None or asked.kind == "trust"
        assert plain.opened == [asked]
    if plain.sent[-1][1][1:] == [READ]:
        assert not isinstance(answer, Answer) or answer.value == DENY
        assert plain.documents.was_cut(asked)


@given(text=LONG, profile=PROFILES)
def test_whatever_is_told_is_one_line_with_both_its_ends(text: str, profile: ClientProfile) -> None:
    plain = Plain(profile)
    plain.editor.show_message(types.MessageType.Error, text)
    ((message, _),) = plain.sent
    assert "\n" not in message
    assert columns(message) <= math.prod(ROOM[profile.name])
    # All that is blank separates words.
    told = visible("".join(text.split()))
    assert "".join(message.split())[:20] == told[:20]
    assert "".join(message.split())[-60:] == told[-60:]


def test_short_question_is_asked_whole_with_all_its_answers() -> None:
    grants = Grants(*((Grant("rule", "`ls *`", tool="Bash"),),) * 2, saved_in="a.json")
    plain = Plain(last=True)
    assert plain.answer(permission("ls x", grants)) == Answer("allowAlways")
    assert plain.sent == [
        (
            "Run `ls x`?           \nls x\nFor this session: `ls *`\nAlways: `ls *`, in a.json",
            ["Deny", "Allow once", "Allow for this session", "Always allow `ls *`"],
        )
    ]


def test_answers_that_allow_more_give_way_to_the_question() -> None:
    rule = Grant("rule", "`a rule that is much longer than a line of Helix`", tool="Bash")
    plain = Plain(last=True)
    plain.answer(asked := permission("ls x", Grants((rule,), (rule,), saved_in="a.json")))
    assert plain.sent == [("Run `ls x`?    \nls x", ["Deny", "Allow once", READ])]
    assert plain.opened == [asked]
    assert not plain.documents.was_cut(asked)


def test_cut_question_shows_both_ends_and_can_be_denied_or_read() -> None:
    plain = Plain(last=True)
    command = "echo begin\n" + "x" * 300 + "\nrm -r the-end"
    assert plain.answer(asked := permission(command)) is None
    ((message, actions),) = plain.sent
    assert message.startswith("Run `echo begin ")
    assert message.endswith("\nrm -r the-end\nCut: read it in full to allow it.")
    assert actions == ["Deny", READ]
    assert plain.opened == [asked]
    assert plain.progress == [True]


def test_document_has_all_of_a_question_and_how_to_answer_it() -> None:
    command = "echo begin\n" + "x" * 3000 + "\n## Answer"
    grants = Grants(*((Grant("rule", "`ls *`", tool="Bash"),),) * 2, saved_in="a.json")
    asked = permission(command, grants)
    text = markdown(asked)
    assert f"    {'x' * 3000}\n    ## Answer\n" in text
    assert text.count("\n## Answer\n") == 1
    answer = f'{{"answer": "allow", "questionId": "{asked.question_id}"}}'
    assert f"claudeAgent.question.answer {answer}" in text
    assert "in a.json" in text
    trust = replace(
        asked, kind="trust", action=Action("x", path="/x" * 500), notes=("Ignored: " + "y" * 900,)
    )
    text = markdown(trust)
    assert "/x" * 500 in text
    assert "y" * 900 in text
    assert 'claudeAgent.trust {"trusted": true}' in text
    assert "question.answer" not in text
