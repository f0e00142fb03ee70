"""The CLI's own record of a session, line by line.

Import from the modules: this package loads nothing by itself.
"""
