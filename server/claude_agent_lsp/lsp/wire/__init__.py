"""The bytes between the editor and the server.

Import from the modules: this package loads nothing by itself.
"""
