"""What looks like a secret wherever it stands: keys of well-known kinds, and what sets a password.

Each shape takes time that grows with the text alone: what repeats has a bound or can't be taken in
two ways. No rule set of others is loaded: those that there are weigh more than the rest of the
server's texts, and are written for engines that Python has not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.secret_names import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each begins with letters of its own, which a search finds fast; the borders are looked at after.
_KEYS: Final = (
    # User and password in a URL, up to its last @, or a token in their place.
    r"://(?P<secret>[^\s/:@]*:[^\s/]+|[^\s/:]{12,})(?=@)",
    r"sk-(?<!\wsk-)(?:ant-)?[\w-]{16,}",  # Anthropic, and others like it
    r"gh[pousr]_(?<!\wgh._)\w{20,}",
    r"github_pat_(?<!\wgithub_pat_)\w{20,}",
    r"glpat-(?<!\wglpat-)[\w.-]{20,}",
    r"gl(?<!\wgl)(?:ptt|dt|rt|cbt|ft|soat|oas|agent|imt|ffct)-[\w.-]{20,}",
    r"xox[abeoprs]-(?<!\wxox.-)[\w-]{10,}",
    r"xapp-(?<!\wxapp-)\d-[\w-]{20,}",
    r"AKIA(?<!\wAKIA)[A-Z0-9]{16}\b",
    r"ASIA(?<!\wASIA)[A-Z0-9]{16}\b",
    r"npm_(?<!\wnpm_)[A-Za-z0-9]{36,}",
    r"pypi-(?<!\wpypi-)Ag[\w-]{50,}",
    r"AIza(?<!\wAIza)[\w-]{35}",  # Google: a key, a token, an OAuth client's secret
    r"ya29\.(?<!\wya29\.)[\w-]{20,}",
    r"GOCSPX-(?<!\wGOCSPX-)[\w-]{20,}",
    r"[rs]k_(?<!\w[rs]k_)(?:live|test)_[A-Za-z0-9]{10,}",  # Stripe
    r"whsec_(?<!\wwhsec_)[A-Za-z0-9+/]{20,}",
    r"hf_(?<!\whf_)[A-Za-z0-9]{30,}",  # Hugging Face
    r"SG\.(?<!\wSG\.)[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"do[opr]_v1_(?<!\wdo._v1_)[0-9a-f]{40,}",  # DigitalOcean
    r"dckr_pat_(?<!\wdckr_pat_)[\w-]{20,}",
    r"AGE-SECRET-KEY-1(?<!\wAGE-SECRET-KEY-1)[0-9A-Z]{50,}",
    r"hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[\w/+-]{16,})",
    r"/api/webhooks/\d{1,24}/(?P<secret>[\w-]{30,})",  # Discord
    r"AccountKey=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})",  # Azure
    r"eyJ(?<![\w-]eyJ)[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){1,3}",  # a JWT, also an encrypted one
    r"-----BEGIN (?:\w{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?P<secret>(?:(?!-----).){16,})",
    r"Bearer (?<!\wBearer )(?P<secret>[\w.~+/-]{8,})",
    # Letters alone are a word.
    r"Basic (?<!\wBasic )(?P<secret>(?=[A-Za-z]{0,80}[0-9+/=])[A-Za-z0-9+/]{12,}={0,2})",
    (
        r"curl(?<!\wcurl)\b[^\n|;&]{0,200}?\s(?:-u|--user|-U|--proxy-user)[ =]?[\"']?"
        r"[^\s:\"']{1,64}:(?P<secret>[^\s\"']+)"
    ),
)
_SHAPES: Final = tuple(re.compile(shape, re.DOTALL) for shape in _KEYS)
_VALUE: Final = r"(?P<secret>\"[^\"\n]*+\"?|'[^'\n]*+'?|[^\s\"'`;&|<>()\[\]{},]+)"
# What a shell is told: NAME=value, and --password value; the name says whether it is one.
_SETTINGS: Final = (
    re.compile(rf"(?<![\w$-])(?P<name>[A-Z][A-Z0-9_]{{2,63}})={_VALUE}"),
    re.compile(
        r"(?<![\w-])--(?P<name>(?:[a-z]{1,20}-){0,4}(?:password|passwd|passphrase|secret|token))"
        rf"[ =]{_VALUE}"
    ),
)
_QUOTES: Final = "\"'"
# What the shell puts in, or nobody has put in yet: `$TOKEN`, `$(cat file)`, `<token>`, `…`.
_NOT_SAID: Final = re.compile(r"[$`<{(%…*-]|\.\.\.|[xX]{4,}$|[A-Z_]+$")


def find_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Return where something that looks like a secret begins and ends, in no order."""
    for shape in _SHAPES:
        for match in shape.finditer(text):
            yield match.span("secret" if shape.groups else 0)
    for setting in _SETTINGS:
        for match in setting.finditer(text):
            value = match["secret"].strip(_QUOTES)
            if not _NOT_SAID.match(value) and is_secret(match["name"], value):
                begin, end = match.span("secret")
                quoted = match["secret"][0] in _QUOTES
                yield begin + quoted, begin + quoted + len(value) if quoted else end
