from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claude_agent_lsp.agent.run.message import Diagnostic, EditorContext
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands.arguments import (
    Argument,
    CancelArgument,
    CapabilitiesArgument,
    ModeArgument,
    QueryArgument,
    QuestionAnswerArgument,
    QuestionListArgument,
    StatusArgument,
    parse,
)
from claude_agent_lsp.lsp.commands.session_arguments import (
    SessionListArgument,
    SessionReadArgument,
    SessionSelectArgument,
)
from claude_agent_lsp.workspace.documents.positions import Position, Range

if TYPE_CHECKING:
    import uuid

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ALL: list[type[Argument]] = [
    QueryArgument,
    CancelArgument,
    StatusArgument,
    CapabilitiesArgument,
    ModeArgument,
    SessionListArgument,
    SessionReadArgument,
    SessionSelectArgument,
    QuestionListArgument,
    QuestionAnswerArgument,
]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def query(**fields: Any) -> QueryArgument:
    return parse(QueryArgument, [{"prompt": "Hi", **fields}])


def refusal(cls: type[Argument], *arguments: object) -> str:
    with pytest.raises(InvalidArgument) as caught:
        parse(cls, list(arguments))
    return str(caught.value)


def wrong(**fields: Any) -> str:
    return refusal(QueryArgument, {"prompt": "Hi", **fields})


def span(first: int, last: int) -> dict[str, Any]:
    return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}


def test_a_bare_string_is_the_prompt() -> None:
    assert parse(QueryArgument, ["Hi"]) == query() == QueryArgument(prompt="Hi")
    assert refusal(StatusArgument, "Hi") == 'arguments: expected one JSON object, got "Hi"'


def test_every_field_of_a_query_is_read() -> None:
    diagnostic = {"range": span(1, 2), "message": "bad", "severity": 2, "source": "mypy", "code": 7}
    found = query(
        workspace="file:///w",
        session=ID.upper(),
        fork=True,
        resumeAt="m1",
        context={
            "textDocument": {"uri": "file:///w/a.py", "version": 3},
            "range": span(0, 4),
            "diagnostics": [{**diagnostic, "tags": [1], "data": {}}],
        },
        attachments=["file:///w/b%20c.png"],
        model="opus",
        effort="high",
        permissionMode="plan",
        maxTurns=3,
        maxBudgetUsd=0.5,
        timeoutSeconds=60,
        outputSchema={"type": "object"},
        partialResultToken=5,
        wait=False,
    )
    assert found == QueryArgument(
        prompt="Hi",
        workspace=Path("/w"),
        session=ID,
        fork=True,
        resume_at="m1",
        context=EditorContext(
            Path("/w/a.py"),
            Range(Position(0, 0), Position(4, 0)),
            (Diagnostic(Range(Position(1, 0), Position(2, 0)), "bad", 2, "mypy", 7),),
        ),
        attachments=(Path("/w/b c.png"),),
        model="opus",
        effort="high",
        permission_mode="plan",
        max_turns=3,
        max_budget_usd=0.5,
        timeout_seconds=60.0,
        output_schema={"type": "object"},
        partial_result_token=5,
        wait=False,
    )


def test_null_stands_for_leaving_a_field_out() -> None:
    optional = {"session", "fork", "attachments", "wait", "model", "context", "resumeAt"}
    assert query(**dict.fromkeys(optional)) == query()
    assert query(context={"textDocument": None, "range": None}).context == EditorContext()


@pytest.mark.parametrize("arguments", [None, [], (), [{}], ({},)])
@pytest.mark.parametrize("cls", [StatusArgument, CancelArgument, SessionListArgument])
def test_the_object_may_be_left_out_where_no_field_is_required(
    cls: type[Argument], arguments: object
) -> None:
    assert parse(cls, arguments) == cls()


@pytest.mark.parametrize(
    "cls", [QueryArgument, ModeArgument, SessionReadArgument, QuestionAnswerArgument]
)
def test_a_required_field_is_missed(cls: type[Argument]) -> None:
    for message in (refusal(cls), refusal(cls, {})):
        assert message.endswith(", got nothing")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([{}, {}], "arguments: expected one JSON object, got 2 of them"),
        ([[{}]], "arguments: expected one JSON object, got [{}]"),
        ([3], "arguments: expected one JSON object, got 3"),
        ([{"prompt": None}], "prompt: expected text that is not blank, of at most 2 MiB, got null"),
        ([{"promt": "Hi"}], "arguments: unknown field `promt`; did you mean `prompt`?"),
        (
            [{"prompt": "Hi", "session_id": ID}],
            "arguments: unknown field `session_id`; did you mean",
        ),
        ([{"prompt": "Hi", "zzzz": 1}], "arguments: unknown field `zzzz`"),
        ([{"prompt": "Hi", '"\ud800': 1}], 'arguments: unknown field `\\"\\ud800`'),
    ],
)
def test_the_whole_argument_is_checked(arguments: list[object], expected: str) -> None:
    assert refusal(QueryArgument, *arguments).startswith(expected)


def test_null_stands_for_no_argument() -> None:
    assert parse(StatusArgument, [None]) == StatusArgument()
    assert refusal(QueryArgument, None).endswith(", got nothing")


def test_arguments_that_are_no_list_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="expected a list of one JSON object"):
        parse(QueryArgument, {"prompt": "Hi"})


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("", "a blank one"),
        (" \n\t", "a blank one"),
        ("a\0b", "one with a NUL character"),
        ("a\ud83d", "one with an unpaired surrogate"),
        ("\udcff", "one with an unpaired surrogate"),
        (
            "ä" * (2**20 + 1),
            "2,097,154 bytes; put long text into a file and attach it",
        ),
        (7, "7"),
        (["Hi"], '["Hi"]'),
    ],
)
def test_a_prompt_that_cannot_be_sent_is_refused(prompt: object, found: str) -> None:
    message = f"prompt: expected text that is not blank, of at most 2 MiB, got {found}"
    assert refusal(QueryArgument, {"prompt": prompt}) == message


def test_a_prompt_may_be_as_long_as_allowed() -> None:
    assert len(parse(QueryArgument, ["ä" * 2**20]).prompt) == 2**20


@pytest.mark.parametrize(
    "text", [ID, ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}"]
)
def test_a_session_id_may_be_written_in_any_way(text: str) -> None:
    assert query(session=text).session == ID
    assert parse(SessionReadArgument, [{"sessionId": text}]).session_id == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Last",
        "x",
        ID[:-1],
        f"{ID}\n",
        f"{{{ID}",
        f"{ID}}}",
        f"{ID[:-2]}_1",
        "\u0661" * 32,
        4,
        {},
    ],
)
def test_what_is_no_session_is_refused(text: object) -> None:
    expected = 'session: expected "last" or "new" or a session id (a UUID), got '
    assert wrong(session=text).startswith(expected)


def test_the_words_for_a_session_stand_only_where_they_have_a_meaning() -> None:
    assert query().session == query(session="last").session == "last"
    assert query(session="new").session == "new"
    assert parse(SessionSelectArgument, [{"sessionId": "new"}]).session_id == "new"
    assert "sessionId: expected" in refusal(SessionSelectArgument, {"sessionId": "last"})
    assert "sessionId: expected a session id (a UUID)" in refusal(
        SessionReadArgument, {"sessionId": "new"}
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"workspace": "/w"}, 'workspace: expected an absolute file: URI, got "/w"'),
        ({"workspace": 3}, "workspace: expected an absolute file: URI, got 3"),
        ({"fork": "yes"}, 'fork: expected true or false, got "yes"'),
        (
            {"resumeAt": "m1"},
            "resumeAt: expected `fork: true` or `inPlace: true` with it",
        ),
        ({"maxTurns": 1.5}, "maxTurns: expected a whole number of at least 1, got 1.5"),
        ({"maxTurns": True}, "maxTurns: expected a whole number of at least 1, got true"),
        ({"maxBudgetUsd": 0}, "maxBudgetUsd: expected a number above 0, got 0"),
        ({"timeoutSeconds": float("inf")}, "timeoutSeconds: expected a number above 0, got Inf"),
        ({"timeoutSeconds": 10**400}, "timeoutSeconds: expected a number above 0, got 1000"),
        ({"effort": "huge"}, 'effort: expected one of "low", "medium"'),
        ({"permissionMode": "Plan"}, 'permissionMode: expected one of "default", "acceptEdits"'),
        ({"model": "a\0"}, "model: expected a string that is not blank, got one with a NUL"),
        ({"outputSchema": []}, "outputSchema: expected a JSON Schema object, got []"),
        ({"partialResultToken": 1.5}, "partialResultToken: expected a string or a whole number"),
        ({"partialResultToken": True}, "partialResultToken: expected a string or a whole number"),
        ({"wait": 0}, "wait: expected true or false, got 0"),
        ({"attachments": "file:///a"}, 'attachments: expected a list of file: URIs, got "file'),
        ({"attachments": ["file:///a", 1]}, "attachments[1]: expected an absolute file: URI"),
        ({"attachments": ["file:///%00"]}, "attachments[0]: expected a file: URI without NUL"),
        ({"context": []}, "context: expected an object {textDocument, range, diagnostics}, got []"),
        ({"context": {"rnage": 1}}, "context: unknown field `rnage`; did you mean `range`?"),
        (
            {"context": {"textDocument": {}}},
            "context.textDocument.uri: expected an absolute file: URI, got nothing",
        ),
        (
            {"context": {"textDocument": {"uri": "untitled:1"}}},
            'context.textDocument.uri: expected an absolute file: URI, got "untitled:1"',
        ),
        (
            {"context": {"range": span(2, 1)}},
            "context.range: expected a range {start, end} that does not end before it starts, got",
        ),
        (
            {"context": {"range": {"start": {"line": -1, "character": 0}}}},
            "context.range.start.line: expected a whole number of at least 0, got -1",
        ),
        (
            {"context": {"diagnostics": [{"range": span(0, 0)}]}},
            "context.diagnostics[0].message: expected a string, got nothing",
        ),
        (
            {"context": {"diagnostics": [{"range": span(0, 0), "message": "x", "severity": 5}]}},
            "context.diagnostics[0].severity: expected a whole number from 1 to 4, got 5",
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(
    fields: dict[str, Any], expected: str
) -> None:
    assert wrong(**fields).startswith(expected)


@pytest.mark.parametrize("limit", [0, -3, 1001, 1.5, "5", True])
def test_a_page_has_1_to_1000_rows(limit: object) -> None:
    message = refusal(SessionListArgument, {"limit": limit})
    assert message.startswith("limit: expected a whole number from 1 to 1000, got ")
    assert parse(SessionListArgument, [{"limit": 1000}]).limit == 1000
    assert parse(SessionReadArgument, [{"sessionId": ID}]).limit == 50


def test_a_cancel_names_a_run_or_a_session_or_neither() -> None:
    assert parse(CancelArgument, [{"runId": "r1"}]) == CancelArgument(run_id="r1")
    assert parse(CancelArgument, [{"sessionId": ID.upper()}]).session_id == ID
    message = refusal(CancelArgument, {"runId": "r1", "sessionId": ID})
    assert message == "runId: expected either `runId` or `sessionId`, got both"


def test_the_other_commands_are_read() -> None:
    mode = parse(ModeArgument, [{"sessionId": ID, "permissionMode": "plan"}])
    assert mode == ModeArgument(session_id=ID, permission_mode="plan")
    answer = parse(QuestionAnswerArgument, [{"questionId": "q1", "answer": "deny", "note": ""}])
    assert answer == QuestionAnswerArgument(question_id="q1", answer="deny", note="")
    assert parse(QuestionAnswerArgument, ["allow"]) == QuestionAnswerArgument(answer="allow")
    found = parse(SessionListArgument, [{"workspace": "file:///w", "search": "", "cursor": "c"}])
    assert found == SessionListArgument(workspace=Path("/w"), search="", cursor="c")
    assert parse(CapabilitiesArgument, [{"workspace": "file:///w"}]).workspace == Path("/w")


@pytest.mark.parametrize("cls", ALL)
def test_arguments_cannot_be_changed(cls: type[Argument]) -> None:
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]


NAMES = st.sampled_from(
    [
        "prompt",
        "workspace",
        "session",
        "sessionId",
        "fork",
        "resumeAt",
        "context",
        "attachments",
        "effort",
        "limit",
        "maxTurns",
        "timeoutSeconds",
        "outputSchema",
        "questionId",
        "answer",
        "textDocument",
        "range",
        "diagnostics",
    ]
)


@given(
    st.sampled_from(ALL),
    JSON | st.lists(JSON | st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON)), max_size=2),
)
@example(QueryArgument, [{"prompt": "Hi", "context": {"range": {"start": [], "end": 1}}}])
@example(SessionListArgument, [{"limit": float("nan")}])
def test_whatever_is_sent_is_read_or_refused_in_words(cls: type[Argument], raw: Any) -> None:
    with contextlib.suppress(InvalidArgument):
        assert type(parse(cls, raw)) is cls


@given(st.uuids())
def test_every_uuid_is_a_session_id(some: uuid.UUID) -> None:
    assert query(session=str(some).upper()).session == str(some)
