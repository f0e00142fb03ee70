"""Searching in all that was said in sessions.

Import from the modules: this package loads nothing by itself.
"""
