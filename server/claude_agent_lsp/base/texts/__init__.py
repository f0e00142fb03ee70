"""Others' texts: cut, made visible, compared, and without secrets.

Import from the modules: this package loads nothing by itself.
"""
