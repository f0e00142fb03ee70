"""The commands of docs/protocol.md.

Import from the modules: this package loads nothing by itself.
"""
