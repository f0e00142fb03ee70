"""The journal of what an editor was shown, and what is recovered from it.

Import from the modules: this package loads nothing by itself.
"""
