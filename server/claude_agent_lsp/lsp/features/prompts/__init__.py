"""What an editor is told of prompt documents.

Import from the modules: this package loads nothing by itself.
"""
