"""LSP as pygls speaks it, with what commands that run long need besides.

What pygls 2.1.1 does otherwise, and why it is overridden here:

- On `$/cancelRequest` it answers a command with -32800 at once and lets its coroutine run to the
  end: an agent would go on editing files and spending money after the user has stopped it. Here
  a cancel is an abort signal, and the answer comes when the run has really ended.
- A command never sees its `workDoneToken`.
- `shutdown` cancels all requests at work; here they are stopped and answered before.
- It reads from the disk, on the loop, what a client changes without having opened it.
- It encodes each answer on the loop, and a long one holds up all runs meanwhile.
- Objects of messages that are not LSP's become tuples with names, which lose the names that no
  attribute can have: a URI, or what a language server has put into `data`.
- A request that can't be read (`arguments` is no array, say) is never answered; a message before
  `initialize` reaches the handlers.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from cattrs import transform_error
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
)
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    lsp_method,
)

from claude_agent_lsp.base.abort import AbortController, AbortReason
from claude_agent_lsp.lsp.convert.encoded import EncodedResult

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    # What pygls calls one after the other: a handler, its arguments, and what takes its result.
    _Handled = Generator[tuple[Any, tuple[Any], None], None, None]

    from claude_agent_lsp.base.abort import AbortSignal


logger = logging.getLogger(__name__)

NOT_INITIALIZED = -32002
# What of these the editor sends is handed on as the JSON that it is.
DIAGNOSTICS: Final = "claudeAgent/diagnostics"
LANGUAGE: Final = "claudeAgent/language"
VISIBLE: Final = "claudeAgent/visibleDocuments"
_AS_JSON: Final = frozenset({LANGUAGE, VISIBLE})
# Of docs/protocol.md: the second number grows with what is added, the first with what is broken.
PROTOCOL: Final = "1.0"


class Host(Protocol):
    """What the protocol hands messages to."""

    async def execute(self, params: types.ExecuteCommandParams, signal: AbortSignal) -> object:
        """Execute a command; the signal fires when its request is cancelled."""

    def cancel_progress(self, token: int | str) -> None:
        """Stop what is shown on this token."""

    def document_closed(self, uri: str) -> None:
        """Record that the editor has closed a document."""

    def document_changed(self, uri: str) -> None:
        """Record that a document was opened, changed or closed."""

    async def close(self) -> None:
        """Stop all that is at work."""

    def exit_with(self, status: int) -> None:
        """End the process with this status."""


class AgentProtocol(LanguageServerProtocol):
    """LSP with commands that are stopped by a signal.

    Attributes:
        controllers: What stops each command at work, by its request's id.
    """

    def __init__(self, server: Any, converter: Any) -> None:
        self._host = cast("Host", server)
        self.controllers: dict[int | str, AbortController] = {}
        # What is only looked up: nothing is lost where it is given up.
        self._looking: set[int | str] = set()
        # The tokens of the editor's progress displays for them, by the same ids.
        self._tokens: dict[int | str, int | str] = {}
        # The requests to the editor that it has not answered.
        self._asked: set[str] = set()
        self._asked_as_json: set[str] = set()
        self._initialized = False
        self._ending = False
        super().__init__(server, converter)

    def deliver(self, data: dict[str, Any]) -> None:
        """Take the next message of the editor; never raises.

        What is out of order is refused as the specification says: requests before `initialize`
        with -32002, after `shutdown` and malformed ones with -32600, all without an effect.
        """
        message_id, method = data.get("id"), data.get("method")
        if "method" not in data and isinstance(message_id, str) and message_id in self._asked:
            self._take_answer(message_id, data)
        else:
            self._take_message(data, message_id, method)

    def _take_message(self, data: dict[str, Any], message_id: Any, method: Any) -> None:
        asks = isinstance(message_id, int | str) and not isinstance(message_id, bool)
        if "method" in data and (not isinstance(method, str) or ("id" in data and not asks)):
            self.reject(JsonRpcInvalidRequest.CODE, "`method` or `id` is of the wrong type.")
            return
        refusal = self._out_of_order(method) if isinstance(method, str) else None
        if refusal is not None:
            if asks:
                self._refuse(message_id, *refusal)
            return
        try:
            self.handle_message(self.structure_message(data))
        except JsonRpcInvalidRequest as error:
            if asks and method is not None:
                self._refuse(message_id, error.code, error.message)
        except JsonRpcException as error:
            if asks and method is not None:
                text = f"The parameters of {method} can't be read: {_describe_error(error)}."
                self._refuse(message_id, JsonRpcInvalidParams.CODE, text)
        except Exception:
            logger.exception("A message could not be handled")
            if asks and method is not None:
                self._refuse(message_id, JsonRpcInvalidRequest.CODE, "The message is malformed.")

    def _take_answer(self, message_id: str, data: dict[str, Any]) -> None:
        """Take the editor's answer; one that can't be read is an error for who has asked."""
        try:
            self.handle_message(self.structure_message(data))
        except Exception as error:  # noqa: BLE001 - whatever it is: nobody may wait for ever
            logger.warning("The editor's answer to %s can't be read: %s", message_id, error)
        if message_id in self._asked:
            refusal = types.ResponseError(JsonRpcInvalidRequest.CODE, "The answer is malformed.")
            self._handle_response(message_id, error=refusal)

    def reject(self, code: int, text: str) -> None:
        """Answer something that isn't a message at all, as JSON-RPC wants it: with the id null."""
        self._refuse(None, code, text)

    def _out_of_order(self, method: str) -> tuple[int, str] | None:
        if method == types.EXIT:
            return None
        if self._ending:
            return JsonRpcInvalidRequest.CODE, "The server is shutting down."
        if method == types.INITIALIZE:
            if self._initialized:
                return JsonRpcInvalidRequest.CODE, "The server is already initialized."
            return None
        if not self._initialized:
            return NOT_INITIALIZED, "The first request must be `initialize`."
        return None

    def _refuse(self, message_id: Any, code: int, text: str) -> None:
        # Not by _send_response: it omits an id that is null, which JSON-RPC wants to see.
        error = {"code": code, "message": text}
        self._send_data({"jsonrpc": self.VERSION, "id": message_id, "error": error})

    async def ask(self, method: str, params: Any) -> Any:
        """Ask the editor; if this is cancelled it is withdrawn, and nothing is kept for an answer.

        Raises:
            JsonRpcException: The editor answered with an error.
        """
        message_id = str(uuid.uuid4())
        self._asked.add(message_id)
        if method in _AS_JSON:
            self._asked_as_json.add(message_id)
        try:
            return await self.send_request_async(method, params, msg_id=message_id)
        except asyncio.CancelledError:
            self._request_futures.pop(message_id, None)
            self._result_types.pop(message_id, None)
            self.notify(types.CANCEL_REQUEST, types.CancelParams(id=message_id))
            raise
        finally:
            self._asked.discard(message_id)
            self._asked_as_json.discard(message_id)

    def _handle_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        # pygls has the editor's own requests among them, which the editor does not answer.
        if msg_id in self._asked and msg_id in self._request_futures:
            self._asked.discard(msg_id)
            super()._handle_response(msg_id, result, error)
        else:
            logger.debug("A response came too late, or no request has its id: %r", msg_id)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message; one without `jsonrpc` is malformed."""
        if data.get("jsonrpc") != self.VERSION:
            raise JsonRpcInvalidRequest(message='`jsonrpc` must be "2.0".')
        match data:
            # cattrs would take an object's keys for the list: the prompt "prompt", say.
            case {"params": {"arguments": dict() | str()}}:
                raise JsonRpcInvalidParams(message="`arguments` must be a list")
            case {"method": method, **others} if method == DIAGNOSTICS and "id" not in others:
                return JsonRPCNotification(method, self.VERSION, data.get("params"))
            case {"id": str(asked), "result": result} if asked in self._asked_as_json:
                return JsonRPCResponseMessage(asked, self.VERSION, result)
        if "method" in data:
            data = {"params": None, **data}  # pygls can't read an unknown method without
        return super().structure_message(data)

    def _handle_request(self, msg_id: int | str, method_name: str, params: Any) -> None:
        # Before the command's task begins: its cancel may be the very next message.
        if method_name == types.WORKSPACE_EXECUTE_COMMAND:
            self.controllers[msg_id] = AbortController()
            token = getattr(params, "work_done_token", None)
            if token is not None:
                self._tokens[msg_id] = token
        elif method_name == types.TEXT_DOCUMENT_CODE_ACTION:
            self._looking.add(msg_id)
        elif method_name == types.SHUTDOWN:  # before its task, too: a query may be right behind
            self._ending = True
        super()._handle_request(msg_id, method_name, params)

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        controller = self.controllers.get(msg_id)
        if msg_id in self._looking:
            super()._handle_cancel_notification(msg_id)
        elif controller is None:
            logger.info("There is nothing to cancel for the request %r", msg_id)
        else:
            controller.abort()

    def _send_handler_result(self, future: Future[Any], *, msg_id: int | str) -> None:
        self.controllers.pop(msg_id, None)
        self._tokens.pop(msg_id, None)
        self._looking.discard(msg_id)
        error = None if future.cancelled() else future.exception()
        if isinstance(error, JsonRpcException):
            self._request_futures.pop(msg_id, None)
            self._send_response(msg_id, error=error.to_response_error())
            return
        super()._send_handler_result(future, msg_id=msg_id)

    def _send_response(
        self, msg_id: Any, result: object = None, error: types.ResponseError | None = None
    ) -> None:
        if isinstance(result, EncodedResult) and self.writer is not None:
            self.writer.write(result.response(msg_id))
        else:
            super()._send_response(msg_id, result, error)

    def _running_commands(self) -> list[asyncio.Future[Any]]:
        futures: dict[int | str, Any] = self._request_futures
        return [futures[message_id] for message_id in self.controllers if message_id in futures]

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        """Initialize, and say that commands report progress."""
        self._initialized = True
        result = yield from super().lsp_initialize(params)
        result.capabilities.experimental = {"claudeAgent": {"protocol": PROTOCOL}}
        commands = result.capabilities.execute_command_provider
        if commands is not None:
            commands.work_done_progress = True
        # What the editor does not know it is not offered.
        documents = params.capabilities.text_document
        for name in ("code_action", "code_lens", "hover"):
            if getattr(documents, name, None) is None:
                setattr(result.capabilities, f"{name}_provider", None)
        return result

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Hand a command all that came with it."""
        assert self.msg_id is not None
        return await self._host.execute(params, self.controllers[self.msg_id].signal)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        """Stop what the user has stopped in the editor's progress display."""
        # Of a command that has only just come, nothing is displayed yet.
        for message_id, token in self._tokens.items():
            if token == params.token:
                self.controllers[message_id].abort()
        self._host.cancel_progress(params.token)

    # A feature keeps documents: for pygls, lines end at form feeds, too.

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> _Handled:
        """Hand a document on."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None
        self._host.document_changed(params.text_document.uri)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> _Handled:
        """Hand on what has become of a document."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None
        self._host.document_changed(params.text_document.uri)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> _Handled:
        """Hand on that a document was closed; one that was shown is written no longer."""
        self._host.document_closed(params.text_document.uri)
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None
        self._host.document_changed(params.text_document.uri)

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, *_: Any) -> None:  # type: ignore[override]
        """Stop and answer all that is at work, end the CLIs, then answer."""
        # A command may still be on its way to its run.
        for controller in self.controllers.values():
            controller.abort(AbortReason.SHUTDOWN)
        await self._host.close()
        while commands := self._running_commands():
            await asyncio.wait(commands)
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """End the process: with 0 after `shutdown`, answered or not, else with 1."""
        self._host.exit_with(0 if self._ending else 1)


def _describe_error(error: JsonRpcException) -> str:
    """Return what is wrong with a message, by the place where it is."""
    cause = error.__cause__
    return "; ".join(transform_error(cause)) if cause is not None else error.message
