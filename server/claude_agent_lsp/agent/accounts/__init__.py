"""What was allowed and what it cost, written down.

Import from the modules: this package loads nothing by itself.
"""
