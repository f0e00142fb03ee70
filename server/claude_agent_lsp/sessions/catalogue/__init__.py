"""Which sessions there are, and how long they are kept.

Import from the modules: this package loads nothing by itself.
"""
