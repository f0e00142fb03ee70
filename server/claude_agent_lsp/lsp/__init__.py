"""The editor: the only layer that knows LSP.

Import from the modules: this package loads nothing by itself.
"""
