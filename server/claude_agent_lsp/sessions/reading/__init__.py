"""A session's messages, and the documents made of them.

Import from the modules: this package loads nothing by itself.
"""
