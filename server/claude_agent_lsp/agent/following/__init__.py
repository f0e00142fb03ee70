"""Sessions at work in other servers of this machine, seen from here.

Import from the modules: this package loads nothing by itself.
"""
