"""A run, from the query to its end.

Import from the modules: this package loads nothing by itself.
"""
