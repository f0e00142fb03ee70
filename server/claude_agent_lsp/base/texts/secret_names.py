"""Which variables and headers hold a secret, by their names and by what their values look like.

A name is read word by word: AUTH_TOKEN says "secret", GIT_AUTHOR_NAME does not. Where a name says
nothing, the value of a variable of one's own is taken for a secret unless it plainly is none: to
mask the word "production" everywhere helps nobody.
"""

from __future__ import annotations

import re
from typing import Final

LEAST_LENGTH: Final = 6  # what is shorter stands in many words
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# In any word of a name, also in one that is put together: GITHUBTOKEN, dbPassword.
_SECRET: Final = re.compile(
    r"passw(?:or)?d|passphrase|secret(?!ar)|token(?!i[zs])|credential|authori[sz]ation"
    r"|(?:keys?|pass|pwd|auth)$|^(?:creds?|cookies?|jwt|bearer|webhooks?)$"
)
_PASSWORD: Final = re.compile(r"pass|pwd")
_INNOCENT: Final = re.compile(
    r"""
    askpass | bypass | compass | donkey | encompass | hockey | hotkey | hotkeys | jockey
    | jockeys | lackey | monkey | monkeys | oldpwd | overpass | surpass | trespass | turkey
    | underpass | whiskey | xauth
    """,
    re.VERBOSE,
)
# As the last word, they name something about a secret, or no secret: TOKEN_FILE, AUTH_METHOD.
_ABOUT: Final = re.compile(
    r"""
    accept | age | agent | alg | algorithm | args | audience | bucket | charset | cluster
    | color | colour | columns | count | debug | dir | directory | dirs | disabled | display
    | editor | email | enabled | encoding | endpoint | env | environment | expiration
    | expires | expiry | file | files | flags | format | home | host | hostname | interval
    | issuer | lang | language | length | level | lines | locale | log | logs | max | method
    | min | mode | model | name | namespace | options | opts | origin | pager | path | paths
    | platform | policy | port | prefix | project | provider | proxy | region | required
    | retries | role | scope | scopes | shell | size | sock | socket | suffix | term | threads
    | timeout | timezone | tmpdir | ttl | type | tz | uri | url | user | username | verbose
    | version | workers | zone
    """,
    re.VERBOSE,
)
_COUNTED: Final = re.compile(
    r"""
    budget | limit | max | maximum | min | minimum | num | number | total
    """,
    re.VERBOSE,
)
_COMMON: Final = re.compile(
    r"""
    always | anonymous | bearer | browser | builtin | chrome | colored | colour | console
    | credentials | cursor | custom | debugger | default | deflate | deploy | develop
    | development | digest | disable | disabled | docker | dynamic | enable | enabled
    | english | external | firefox | forbid | friendly | global | header | headers | hidden
    | identity | inherit | integration | internal | keep-alive | kerberos | keychain | keyring
    | latest | localhost | localhost\.localdomain | manual | master | memory | minimal
    | native | negotiate | no-cache | nothing | notice | nullable | oauth2 | offline | online
    | optional | password | postgres | preview | private | production | public | readonly
    | release | required | sandbox | secret | secure | shared | silent | simple | stable
    | staging | standard | static | strict | system | testing | truecolor | undefined
    | unknown | unlimited | verbose | vscode | warning | windows
    """,
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"[+-]?[\d_,.:]+(?:[a-z%]{1,2})?")
# Words as people write them, with something between them: random letters are none for long.
_WORD: Final = r"(?:(?:[A-Z]?[a-z]++)++|[A-Z]++)"
_BETWEEN: Final = r"[\d._@+,~ -]"
_SEGMENT: Final = rf"{_BETWEEN}*+(?:{_WORD}{_BETWEEN}++)*+(?:{_WORD})?+"
_PATH: Final = re.compile(rf"(?:[~.]{{0,2}}/|[A-Za-z]:[\\/])(?:{_SEGMENT}[/\\:])*+{_SEGMENT}")
_URL: Final = re.compile(r"[a-z][a-z\d+.-]*://[\w.-]*(?::\d+)?(?P<rest>/[^\s?#@]*)?", re.IGNORECASE)
# What nobody would give to a resource as its name.
_RANDOM: Final = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[^/]{16,}")
# Of a variable whose name says nothing: a locale, a media type, a version, a host with its port.
_PLAIN: Final = re.compile(
    r"[a-z]{2,3}[_-][A-Z]{2}(?:\.[\w-]+)?|C\.\w+"
    r"|(?:application|audio|font|image|message|model|multipart|text|video|\*)/[\w.+*-]+"
    r"|v?\d+(?:\.\d+)+(?:[.-]?(?:a|b|rc|alpha|beta|dev|post)[.-]?\d*)?"
    r"|\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?"
    r"|(?:localhost|[a-z]+(?:\.[a-z]+)+):\d{1,5}",
    re.ASCII,
)
_REFERENCE: Final = re.compile(r"\$\{[^{}]*\}|\$\w+")


def is_secret(name: str, value: str, *, own: bool = False) -> bool:
    """Return whether a variable or a header holds a secret.

    Args:
        name: Its name, in any spelling.
        value: What it holds.
        own: Whether the user has set it for one program: then it holds one unless its name or its
            value says that it does not.
    """
    if len(value) < LEAST_LENGTH or _COMMON.fullmatch(value.lower()) or _REFERENCE.fullmatch(value):
        return False
    says, about = _secret_word_of(name)
    if about or (says is not None and _PASSWORD.search(says)):
        return not about  # people choose anything for a password
    if _PATH.fullmatch(value) or _is_plain_url(value):
        return says is not None and says.startswith("webhook")
    return says is not None or (own and not (_NUMBER.fullmatch(value) or _PLAIN.fullmatch(value)))


def _secret_word_of(name: str) -> tuple[str | None, bool]:
    """Return the word of a name that says "secret", and whether the name is about one."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words in (["pwd"], ["old", "pwd"]):
        return None, bool(words)
    says = next((w for w in words if _SECRET.search(w) and not _INNOCENT.fullmatch(w)), None)
    if words[-1] == "headers" or (says is not None and says.startswith("webhook")):
        return words[-1] if says is None else says, False
    about = _ABOUT.fullmatch(words[-1]) or any(map(_COUNTED.fullmatch, words))
    return says, bool(about)


def _is_plain_url(value: str) -> bool:
    match = _URL.fullmatch(value)
    return match is not None and not _RANDOM.search(match["rest"] or "")
