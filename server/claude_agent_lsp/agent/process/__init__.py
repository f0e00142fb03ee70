"""A CLI process, from its launch to the end of all that it started.

Import from the modules: this package loads nothing by itself.
"""
