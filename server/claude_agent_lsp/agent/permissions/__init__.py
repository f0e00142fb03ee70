"""What the user is asked and answers.

Import from the modules: this package loads nothing by itself.
"""
