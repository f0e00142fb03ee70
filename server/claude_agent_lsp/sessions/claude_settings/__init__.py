"""Claude Code's own settings files and what they forbid.

Import from the modules: this package loads nothing by itself.
"""
