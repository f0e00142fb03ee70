"""Sessions on their way to other people and machines, and from there.

Import from the modules: this package loads nothing by itself.
"""
