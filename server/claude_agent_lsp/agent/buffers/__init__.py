"""The agent works on the text in the editor: what it reads and edits is what the user sees.

Import from the modules: this package loads nothing by itself.
"""
