"""A language server: it finds fault with "bad", and knows what "total" is. It counts characters.

It is no part of the tests' package: Emacs starts it as a program.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("judge", "1")
EDIT_SECONDS = 0.3


def places(uri: str, name: str) -> list[types.Range]:
    lines = server.workspace.get_text_document(uri).source.split("\n")
    return [
        types.Range(types.Position(row, match.start()), types.Position(row, match.end()))
        for row, line in enumerate(lines)
        for match in re.finditer(name, line)
    ]


async def lint(uri: str, version: int | None) -> None:
    await asyncio.sleep(EDIT_SECONDS)
    found = [
        types.Diagnostic(each, "this is bad", types.DiagnosticSeverity.Warning, source="judge")
        for each in places(uri, "bad")
    ]
    params = types.PublishDiagnosticsParams(uri, found, version)
    server.text_document_publish_diagnostics(params)


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
async def opened(params: types.DidOpenTextDocumentParams) -> None:
    await lint(params.text_document.uri, params.text_document.version)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
async def changed(params: types.DidChangeTextDocumentParams) -> None:
    await lint(params.text_document.uri, params.text_document.version)


@server.feature(types.TEXT_DOCUMENT_DEFINITION)
def define(params: types.DefinitionParams) -> Any:
    uri = params.text_document.uri
    if params.position not in [each.start for each in places(uri, "total")]:
        return None
    return types.Location(uri, places(uri, "total")[0])


@server.feature(types.TEXT_DOCUMENT_REFERENCES)
def refer(params: types.ReferenceParams) -> Any:
    raise ValueError("I do not know")


@server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def symbols(params: types.DocumentSymbolParams) -> Any:
    place = places(params.text_document.uri, "total")[0]
    return [types.DocumentSymbol("total", types.SymbolKind.Function, place, place)]


@server.feature(types.TEXT_DOCUMENT_RENAME)
def rename(params: types.RenameParams) -> Any:
    uri = params.text_document.uri
    edits = [types.TextEdit(each, params.new_name) for each in places(uri, "total")]
    return types.WorkspaceEdit(changes={uri: edits})


if __name__ == "__main__":
    server.start_io()
