"""Documents as the user sees them: open in the editor, or on the disk.

Import from the modules: this package loads nothing by itself.
"""
