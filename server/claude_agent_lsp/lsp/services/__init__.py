"""What commands and features have in common: settings, trust, progress, questions, documents.

Import from the modules: this package loads nothing by itself.
"""
