"""Which variables hold a secret: a table of names and values with the verdict on each."""

from __future__ import annotations

import pytest

from claude_agent_lsp.base.texts.secret_names import is_secret

VALUE = "wordfish-wordfish"
AWS = "/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

SECRET_NAMES = """
ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN AUTH_TOKEN API_KEY APIKEY OPENAI_KEY MYKEY SSH_KEY
SIGNING_KEYS accessKey secretAccessKey X-Api-Key AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
GITHUB_TOKEN GITHUBTOKEN TOKEN TOKEN2 npm_config__auth NPM_CONFIG_//registry/:_authToken
BASIC_AUTH BASICAUTH OAUTH PROXY_AUTHORIZATION authorization CLIENT_SECRET CLIENTSECRET SECRET
SECRETS_JSON CREDENTIALS GCP_CREDS SESSION_COOKIE DB_PASS DBPASS SSHPASS PASS HTPASSWD MYSQL_PWD
PGPASSWORD pg_password dbPassword GPG_PASSPHRASE KEY_PASS VAULT_SECRET_ID JWT WEBHOOK_URL
ANTHROPIC_CUSTOM_HEADERS TOKENS
"""
OTHER_NAMES = """
GIT_AUTHOR_NAME GIT_AUTHOR_DATE AUTHOR AUTHORS TOKENIZERS_PARALLELISM TOKENIZER KEYBOARD KEYMAP
XKB_KEYMAP MONKEY TURKEY COMPASS BYPASS PASSENGER PASSIVE_MODE PASSPORT SECRETARY PWD OLDPWD
HEADERS_FILE TOKEN_FILE PASSWORD_FILE SECRET_NAME AUTH_METHOD AUTH_TYPE AUTH_URL TOKEN_TTL
KEY_LENGTH SSH_AUTH_SOCK MAX_THINKING_TOKENS CLAUDE_CODE_MAX_OUTPUT_TOKENS SSH_ASKPASS GIT_ASKPASS
HOCKEY PATH HOME NODE_ENV TERM LANG XDG_RUNTIME_DIR
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_a_name_says_that_its_value_is_a_secret(name: str) -> None:
    assert is_secret(name, VALUE)


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_another_name_does_not(name: str) -> None:
    assert not is_secret(name, VALUE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("NODE_ENV", "production"), ("STAGE", "production"), ("HOST", "localhost")],
        *[("ANY", "localhost:8080"), ("DEBUG", "express:router"), ("ANY", "/usr/local/bin:/bin")],
        *[("ANY", "/home/me/My Project"), ("ANY", "https://host.example/v1/path")],
        *[("ANTHROPIC_BASE_URL", "https://proxy.example:8443/api"), ("ANY", "C:\\Users\\me")],
        *[("LC_ALL", "en_US.UTF-8"), ("ANY", "de_DE.UTF-8"), ("TZ", "Europe/Berlin")],
        *[("Content-Type", "application/json"), ("Accept", "text/event-stream")],
        *[("X-Format", "application/json"), ("anthropic-version", "2023-06-01")],
        *[("ANY", "1234567"), ("ANY", "v1.22.333"), ("NODE_OPTIONS", "--max-old-space-size=4096")],
        *[("AWS_REGION", "eu-central-1"), ("ANTHROPIC_MODEL", "claude-opus-5-5")],
        *[("ANY", "${SOME_TOKEN}"), ("TOKEN", "$OTHER_TOKEN"), ("KEY", "short")],
        *[("AUTH", "enabled"), ("SECRET", "default"), ("PASSWORD", "password")],
        *[("SSH_KEY", "/home/me/.ssh/id_rsa"), ("CREDENTIALS", "~/.config/gcloud/key.json")],
        *[("TOKEN", "https://login.example/token"), ("GIT_AUTHOR_NAME", "Jane Doe-Roe")],
    ],
)
def test_a_value_is_plainly_none(name: str, value: str) -> None:
    assert not is_secret(name, value)
    assert not is_secret(name, value, own=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("ANY", VALUE), ("ANY", "hunter2-value"), ("PLAIN", "plover-of-the-settings")],
        *[("ANY", AWS), ("SECRET_ACCESS_KEY", AWS), ("PASSWORD", "/correct/horse")],
        *[("PASSWORD", "12345678"), ("DB_PASS", "https://a"), ("X-Org", "abcdefgh12345")],
        *[("WEBHOOK", "https://hooks.example/services/T0/B0/x"), ("ANY", "deadbeef" * 4)],
        ("ANY", "https://hooks.example/services/T00000000/XXXXXXXX1234567890abcdef"),
        ("ANY", "https://host.example/?key=abcdef"),
    ],
)
def test_a_value_of_ones_own_may_be_one(name: str, value: str) -> None:
    assert is_secret(name, value, own=True)


@pytest.mark.parametrize(
    "value", ["/a" * 50_000 + "\n", "a" * 100_000 + "!", "aA" * 50_000, "://" * 30_000]
)
def test_a_long_value_is_judged_at_once(value: str) -> None:
    is_secret("ANY", value, own=True)
    is_secret(value, "a value", own=True)
