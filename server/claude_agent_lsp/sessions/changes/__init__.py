"""What the runs of a session have changed in its folder.

Import from the modules: this package loads nothing by itself.
"""
