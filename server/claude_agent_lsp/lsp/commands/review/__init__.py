"""The commands that look at what runs have changed.

Import from the modules: this package loads nothing by itself.
"""
