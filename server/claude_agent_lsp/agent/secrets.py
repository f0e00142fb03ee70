"""Keeping keys out of what is told: a CLI's words may repeat the one that it was given."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|AUTH", re.IGNORECASE)
_LENGTH: Final = 6  # what is shorter is no secret, and stands in many words


def without_secrets(text: str, env: Mapping[str, str]) -> str:
    """`text` with the values of secret variables masked.

    Args:
        text: What a CLI says.
        env: The variables that it was given beside those of this process.
    """
    for name, value in {**os.environ, **env}.items():
        if _NAME.search(name) and len(value) >= _LENGTH:
            text = text.replace(value, "***")
    return text
