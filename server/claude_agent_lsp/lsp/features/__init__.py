"""The LSP features: one module for each thing that the editor sends beside commands.

Import from the modules: this package loads nothing by itself.
"""
