"""Questions on their way to the user, whatever the editor can show.

Import from the modules: this package loads nothing by itself.
"""
