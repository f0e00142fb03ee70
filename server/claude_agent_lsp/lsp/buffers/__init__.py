"""The editor's hand on its documents, for the agent.

Import from the modules: this package loads nothing by itself.
"""
