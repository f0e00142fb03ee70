"""What the server does in the editor besides commands.

Import from the modules: this package loads nothing by itself.
"""
