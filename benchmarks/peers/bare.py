"""A language server of pygls that does nothing: how long `initialize` takes at least."""

from pygls.lsp.server import LanguageServer

if __name__ == "__main__":
    LanguageServer("bare", "1").start_io()
