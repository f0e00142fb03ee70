"""Work with the Claude agent from any editor, over the Language Server Protocol."""

from typing import Final

__version__: Final = "0.1.0"
