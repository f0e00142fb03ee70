"""What touches the disk, which may hang, and what others put there.

Import from the modules: this package loads nothing by itself.
"""
