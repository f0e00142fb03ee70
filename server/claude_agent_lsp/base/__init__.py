"""What every layer uses: files, texts, signals, checks. It knows nothing of agents or editors.

Import from the modules: this package loads nothing by itself.
"""
