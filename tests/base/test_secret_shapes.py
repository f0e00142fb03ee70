"""Keys of well-known kinds, what sets a password, and what of this repository is taken for one."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from claude_agent_lsp.base.texts.redaction import mask_secrets
from claude_agent_lsp.base.texts.secret_shapes import find_secrets

ROOT = Path(__file__).parents[2]
# Made up here; put together, so that no scanner of this file takes them for real ones.
LETTERS = "aZ9bY8cX7dW6eV5fU4gT3hS2iR1jQ0kPlOmNnMoLpKqJrIsHtGuFvEwDxCyBz"
HEX = "0123456789abcdef" * 4
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + LETTERS[:43]
PEM = "-----BEGIN " + "{}PRIVATE KEY-----\n" + (LETTERS + "\n") * 20 + "-----END {}PRIVATE KEY-----"
KEYS = {
    "GitLab": "glpat" + "-" + LETTERS[:20],
    "GitLab deploy": "gldt" + "-" + LETTERS[:20],
    "npm": "npm" + "_" + LETTERS[:36],
    "PyPI": "pypi" + "-AgEIcHlwaS5vcmc" + LETTERS,
    "Google": "AI" + "za" + LETTERS[:35],
    "Google OAuth": "ya29" + "." + LETTERS[:40],
    "Google client": "GOCSPX" + "-" + LETTERS[:28],
    "Stripe": "sk" + "_live_" + LETTERS[:24],
    "Stripe restricted": "rk" + "_test_" + LETTERS[:24],
    "Stripe webhook": "whsec" + "_" + LETTERS[:32],
    "Hugging Face": "hf" + "_" + LETTERS[:34],
    "SendGrid": "SG" + "." + LETTERS[:22] + "." + LETTERS[:43],
    "DigitalOcean": "dop" + "_v1_" + HEX,
    "Docker": "dckr" + "_pat_" + LETTERS[:27],
    "Slack app": "xapp" + "-1-" + LETTERS[:30],
    "age": "AGE-SECRET" + "-KEY-1" + LETTERS.upper()[:58],
    "JWT": JWT,
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("around", ["{}", "the key is {}, see there", 'key = "{}"', "({})"])
def test_a_key_of_a_known_kind_is_masked_whole(key: str, around: str) -> None:
    assert mask_secrets(around.format(key)) == around.format("***")


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_the_middle_of_a_word_is_no_key(key: str) -> None:
    assert find_nothing(f"x{key}")


def find_nothing(text: str) -> bool:
    return list(find_secrets(text)) == []


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_of_a_private_key_nothing_but_its_frame_is_left(kind: str) -> None:
    text = f"before\n{PEM.format(kind, kind)}\nafter"
    masked = mask_secrets(text)
    assert masked == (
        f"before\n-----BEGIN {kind}PRIVATE KEY-----***-----END {kind}PRIVATE KEY-----\nafter"
    )


def test_of_a_private_key_in_json_nothing_is_left() -> None:
    text = PEM.format("", "").replace("\n", "\\n")
    assert LETTERS not in mask_secrets(f'{{"private_key": "{text}"}}')


def test_a_public_key_and_a_certificate_stay() -> None:
    for kind in ("PUBLIC KEY", "CERTIFICATE"):
        text = f"-----BEGIN {kind}-----\n{LETTERS}\n-----END {kind}-----"
        assert mask_secrets(text) == text


@pytest.mark.parametrize("limit", [5, 20, 60, 200, 700])
@pytest.mark.parametrize("secret", [JWT[:30] + LETTERS * 30 + JWT[30:], PEM.format("", "")])
def test_no_part_of_a_long_one_is_left_where_a_text_is_cut(secret: str, limit: int) -> None:
    masked = mask_secrets(f"it is {secret} there", limit)
    assert LETTERS[:8] not in masked
    assert len(masked) <= limit


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("curl -u me:hunter22 https://a.b", "curl -u me:*** https://a.b"),
        ("curl -s --user 'me:hunter 22' x", "curl -s --user 'me:*** 22' x"),
        ("curl -ume:hunter22 x", "curl -ume:*** x"),
        ("export DB_PASSWORD=hunter22", "export DB_PASSWORD=***"),
        ('export DB_PASSWORD="hunter 22"', 'export DB_PASSWORD="***"'),
        ("API_TOKEN='abc123def' make", "API_TOKEN='***' make"),
        ("X=1 MY_SECRET=abcdef123; ls", "X=1 MY_SECRET=***; ls"),
        ("psql --password=hunter22", "psql --password=***"),
        ("gh --token abc123def run", "gh --token *** run"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic ***"),
        (
            "https://hooks.slack.com/services/T00000000/B00000000/" + LETTERS[:24],
            "https://hooks.slack.com/***",
        ),
        (
            "https://discord.com/api/webhooks/123456789/" + LETTERS + LETTERS,
            "https://discord.com/api/webhooks/123456789/***",
        ),
        ("AccountKey=" + LETTERS + LETTERS[:26] + "==;End", "AccountKey=***;End"),
    ],
)
def test_what_sets_a_password_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "docker run -u 1000:1000 image",
        "export DB_PASSWORD=$(cat file)",
        'export DB_PASSWORD="$1"',
        "DB_PASSWORD=${OTHER:-none}",
        "TOKEN_FILE=/etc/token-of-mine",
        "MAX_TOKENS=100000",
        "--token TOKEN",
        "--password <password>",
        "--password-stdin file",
        "GIT_AUTHOR_NAME=somebody",
        "Basic understanding of internationalization",
        "the npm_config_registry and hf_hub",
        "glpat-short",
        "sk_live_short",
        "eyJ is how JSON begins in base64",
        "curl -u me https://host:8080/path",
    ],
)
def test_what_sets_none_stays(text: str) -> None:
    assert mask_secrets(text) == text


ADVERSARIES = [
    "eyJ",
    "eyJaaaaaaaa.",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "curl -u ",
    "curl -u a",
    "curl ",
    "A_PASSWORD=",
    'A_PASSWORD="',
    "PASSWORD",
    "A",
    "--a-",
    "--token ",
    "glpat-",
    "SG.aaaaaaaaaaaaaaaaa",
    "Basic a",
    "hooks.slack.com/services/",
    "/api/webhooks/1",
]


@pytest.mark.parametrize("piece", ADVERSARIES)
def test_a_long_text_costs_its_length(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        times = []
        for _ in range(3):
            began = time.process_time()
            list(find_secrets(text))
            times.append(time.process_time() - began)
        return min(times)

    # Eight times as long; 64 times the time, if it were quadratic.
    assert seconds(160_000) < 24 * seconds(20_000) + 0.02


# What of the repository's own words is masked, and why that may be.
TAKEN_FOR_ONE = {
    "stores.md: me:password": "an example of an address with a password",
    "repository.py: user:password": "likewise",
}


def own_texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "server", "docs", "editors", "scripts", "*.md", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_hardly_anything_of_this_repository_is_taken_for_a_secret() -> None:
    found, size = set(), 0
    for path in own_texts():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue
        size += len(text)
        found |= {f"{path.name}: {text[begin:end][:60]}" for begin, end in find_secrets(text)}
    assert size > 3_000_000
    assert found == set(TAKEN_FOR_ONE)
