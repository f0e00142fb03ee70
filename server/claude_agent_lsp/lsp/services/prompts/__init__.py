"""Prompt documents: conversations as text in which the user types.

Import from the modules: this package loads nothing by itself.
"""
