"""Sees what a run changes, by whatever tool.

Import from the modules: this package loads nothing by itself.
"""
