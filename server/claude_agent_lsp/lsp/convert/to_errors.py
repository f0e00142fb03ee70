"""From the project's errors to LSP's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol.types import ErrorCodes, LSPErrorCodes
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.events import RunStatus
from claude_agent_lsp.errors import Internal, InvalidArgument, RequestFailed, sentence
from claude_agent_lsp.lsp.convert.to_json import error_data, jsonable

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Run


def invalid(error: InvalidArgument) -> JsonRpcException:
    """Return -32602: the request is wrong, nothing has been started."""
    return JsonRpcException(message=sentence(error), code=ErrorCodes.InvalidParams.value)


def failed(error: RequestFailed, run: Run | None = None) -> JsonRpcException:
    """Return -32803 with the reason, the hint, and the run if there was one."""
    return JsonRpcException(
        message=sentence(error),
        code=LSPErrorCodes.RequestFailed.value,
        data=error_data(error, run),
    )


def cancelled(run: Run | None = None) -> JsonRpcException:
    """Return -32800 with the run if there was one."""
    return JsonRpcException(
        message=f"The {'request' if run is None else 'run'} was cancelled.",
        code=LSPErrorCodes.RequestCancelled.value,
        data=None if run is None else {"run": jsonable(run)},
    )


def fault_of(run: Run) -> JsonRpcException | None:
    """Return how a run that has ended is answered, or None if with its result."""
    if run.status is RunStatus.COMPLETED:
        return None
    if run.status is RunStatus.CANCELLED:
        return cancelled(run)
    return failed(run.error or Internal("The run failed for an unknown reason."), run)


def is_told_otherwise(error: JsonRpcException) -> bool:
    """Return whether its user is told of an error elsewhere: a run's, or has wished for it."""
    has_run = isinstance(error.data, Mapping) and "run" in error.data
    return has_run or error.code == LSPErrorCodes.RequestCancelled.value


def in_words(error: JsonRpcException) -> str:
    """Return an error for who sees no fields: its message, and what to do."""
    hint = error.data.get("hint") if isinstance(error.data, Mapping) else None
    return f"{error.message} {hint}" if hint else error.message
