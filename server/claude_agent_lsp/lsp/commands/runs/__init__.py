"""Commands about runs: to begin, to stop, to answer what they ask.

Import from the modules: this package loads nothing by itself.
"""
