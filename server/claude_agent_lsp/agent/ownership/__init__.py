"""Who owns a session, its turns and its processes, before, between and after its runs.

Import from the modules: this package loads nothing by itself.
"""
