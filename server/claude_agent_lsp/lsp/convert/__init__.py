"""From the project's own types to LSP's.

Import from the modules: this package loads nothing by itself.
"""
