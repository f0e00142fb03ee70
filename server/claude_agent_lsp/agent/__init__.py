"""The agent: CLI processes, runs, and how both are stopped.

Import from the modules: this package loads nothing by itself, so that an editor's `initialize`
is answered before the SDK is there.
"""
