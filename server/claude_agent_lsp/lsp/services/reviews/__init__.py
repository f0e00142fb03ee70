"""What runs have changed and nobody has looked at yet, for commands and features.

Import from the modules: this package loads nothing by itself.
"""
