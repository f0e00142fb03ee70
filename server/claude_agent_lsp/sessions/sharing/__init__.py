"""Sessions shared with other machines.

Import from the modules: this package loads nothing by itself.
"""
