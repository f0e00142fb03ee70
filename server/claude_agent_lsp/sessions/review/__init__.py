"""What runs have changed and nobody has looked at yet, piece by piece.

Import from the modules: this package loads nothing by itself.
"""
