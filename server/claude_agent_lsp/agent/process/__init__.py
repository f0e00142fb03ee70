"""A CLI process, from its launch to its end.

Import from the modules: this package loads nothing by itself.
"""
