"""Conversations: where they are kept, who works in them, what was said.

Import from the modules: this package loads nothing by itself.
"""
