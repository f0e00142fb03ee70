"""What the CLIs and their tools have started on this machine: found, and ended.

Import from the modules: this package loads nothing by itself.
"""
