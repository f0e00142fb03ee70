"""Files as they were before a prompt.

Import from the modules: this package loads nothing by itself.
"""
