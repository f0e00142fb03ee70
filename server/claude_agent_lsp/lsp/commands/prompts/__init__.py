"""The commands about prompt documents.

Import from the modules: this package loads nothing by itself.
"""
