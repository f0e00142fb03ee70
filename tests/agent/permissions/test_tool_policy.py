"""What the CLI does unasked, and what is asked or denied all the same."""

from __future__ import annotations

import ntpath
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.permissions.policy import plain_programs
from claude_agent_lsp.agent.permissions.policy.plain_programs import (
    LONGEST_COMMAND,
    PLAIN_PROGRAMS,
    first_to_ask_about,
)
from claude_agent_lsp.agent.permissions.policy.tool_policy import (
    DELEGATES,
    IN_THE_FOLDER,
    IN_TRUSTED,
    KNOWN,
    LOOKS_BEYOND,
    REACHES_BEYOND,
    WORKTREES,
    rule_on,
)


def decision(tool: str, *, trusted: bool, **tool_input: str) -> str | None:
    ruling = rule_on(tool, tool_input, trusted=trusted)
    return None if ruling is None else ruling.decision


@pytest.mark.parametrize(
    "command",
    [
        "ls -la src",
        "cat a.py | head -5",
        "grep -rn 'git status' . && wc -l a.py",
        "cd src; pwd",
        "echo git",
        'echo "a; git status"',
        "sort <names.txt",
        "cmp a b || true",
        "grep -rnE --include='*.py' 'a.*b' -- src",
        "grep -A3 -e @decorator -m 5 a.py",
        "find . -name '*.py' -not -path './a/*' -type f",
        "head -n5 a; tail -n +5 b; head -20 c",
        "sort -t, -k2,2n a.csv | uniq -c | cut -d/ -f1",
        "xxd -l 16 a.bin",
        "[ -f a ] && test a -nt b && echo --yes -x",
        "ls -la 2>/dev/null",
        "cat <<< text",
        "cat - < a",
        "du -sh . a",
        "ls /work/x /work/x/src",
        "cat < /work/x/a 2>/dev/null 1>&2",
        "[ -f /work/x/a ] && cat /work/x/./a",
        "grep -rn '/api/users' src",
        "echo /etc/passwd; basename /etc/passwd; tr / _ < a",
        "sort a > b",
        "echo a..b ... 'x*' \"[y]\" a~b",
        "date -d tomorrow +%F",
        "cd -- -a",
    ],
)
def test_what_reads_no_configuration_is_left_to_the_cli(command: str) -> None:
    assert first_to_ask_about(command, "/work/x") is None
    ruling = rule_on("Bash", {"command": command}, trusted=False, folder="/work/x")
    assert ruling is None


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("git status", "git"),
        ("ls && git log", "git"),
        ("ls | git diff", "git"),
        ("cat x; git blame x", "git"),
        ("(git show)", "git"),
        ("<a git log", "git"),
        ("ls; <a git log", "git"),
        ("ls; cat <a git log >b; 2>c git log", "2"),
        ("ls & git ls-files", "git"),
        ("'git' status", "git"),
        ('g"it" status', "git"),
        ("make -n", "make"),
        ("npm ls", "npm"),
        ("node --version", "node"),
        ("rg x", "rg"),
        ("command git status", "command"),
        ("env git status", "env"),
        ("xargs git", "xargs"),
        ("time git status", "time"),
        ("! git status", ""),
        ("A=1 git status", ""),
        ("/usr/bin/git status", ""),
        ("./ls", ""),
        ("ls $(git status)", ""),
        ("ls `git status`", ""),
        ("ls <(git status)", ""),
        # Another command in a shell that doesn't know this sign.
        ("ls &>a git status", ""),
        ("ls\ngit status", ""),
        ("$'git' status", ""),
        ("ls ${x:-$(git status)}", ""),
        ("g\\it status", ""),
        ("{ git status; }", ""),
        ("ls 'unclosed", ""),
        ("ls ;;& git status", ""),
        ("", ""),
        (" \t", ""),
        ("ls " + "x" * 3000, ""),
        # What is not in the folder, by an option,
        ("diff --from-file=a b", "diff"),
        ("diff a b", "diff"),
        ("wc --files0-from=a", "wc"),
        ("wc --files0-fro a", "wc"),
        ("du --files0-from=a", "du"),
        ("du -X a .", "du"),
        ("sort --files0-from=a", "sort"),
        ("sort --compress-program=./ls a", "sort"),
        ("sort -no/tmp/x a", "sort"),
        ("grep -of/etc/passwd a", "grep"),
        ("grep -fa b", "grep"),
        ("fgrep --file=a b", "fgrep"),
        ("file -ma b", "file"),
        ("file -f a", "file"),
        ("date -fa", "date"),
        ("date --file a", "date"),
        ("md5sum -c a", "md5sum"),
        ("hostname -Fa", "hostname"),
        ("printf -v PATH %s . && ls", "printf"),
        # by where a link leads,
        ("grep -R x .", "grep"),
        ("grep -lR x .", "grep"),
        ("find -L . -name x", "find"),
        ("find . -follow", "find"),
        ("ls -RL .", "ls"),
        ("ls --dereference .", "ls"),
        ("du -aL", "du"),
        # by a word that it makes something of, or the shell,
        ("strings @a", "strings"),
        ("strings -a @a", "strings"),
        ("du /etc", "du"),
        ("du -a link/", "du"),
        ("du -sh -- a link/b", "du"),
        ("readlink link/a", "readlink"),
        ("realpath /etc/x", "realpath"),
        ("test -f /etc/x", "test"),
        # by its path, or where it is written to,
        ("cat /home/me/.claude/projects/x/1.jsonl", "cat"),
        ("ls /", "ls"),
        ("ls /work/xx", "ls"),
        ("ls -- /work/x/a //work/y", "ls"),
        ("head -n 5 a /etc/x", "head"),
        ("grep x /etc/x", "grep"),
        ("grep -e x /etc/x", "grep"),
        ("grep -re x /etc/x", "grep"),
        ("grep --regexp=x /etc/x", "grep"),
        ("find /etc -name x", "find"),
        ("cd /etc && ls", "cd"),
        ("cat < /etc/x", "cat"),
        ("echo x > /home/me/.claude/projects/x/memory/MEMORY.md", "echo"),
        ("echo x >> link/memory/MEMORY.md", "echo"),
        ("echo x >| /work/x/a", "echo"),
        ("ls; echo x >& link/a", "ls"),
        ("[ -f /etc/x ]", "["),
        ("cat d*/key", "cat"),
        ("cat k?y", "cat"),
        ("cat [k]ey", "cat"),
        ("ls | cat 'a'*", "ls"),
        ("cat < d*/key", "cat"),
        ("cat ~/a", "cat"),
        ("cat x=~/a", "cat"),
        ("realpath ../*", "realpath"),
        ("ls ..", "ls"),
        ("ls a/..", "ls"),
        ("ls -I .. a", "ls"),
        ("ls --exclude=../a", "ls"),
        ("cat < ../a", ""),
        ("cat <> a", ""),
        ("cat <", ""),
        ("cat < ; ls", ""),
        # by where it goes, or what it writes to.
        ("cd && cat a", "cd"),
        ("cd -; cat a", "cd"),
        ("cd -- - && ls", "cd"),
        ("cd ..", "cd"),
        ("uniq a b", "uniq"),
        ("xxd a b", "xxd"),
        ("ps auxe", "ps"),
    ],
)
def test_what_may_run_what_the_folder_names_is_asked(command: str, program: str) -> None:
    assert first_to_ask_about(command, "/work/x") == program
    for shell in ("Bash", "Monitor"):
        assert decision(shell, trusted=False, command=command) == "ask"
        assert decision(shell, trusted=True, command=command) is None


@given(st.lists(st.sampled_from([*"ab ;|&()<>'\"\n$`\\", " git ", " ls ", "git", "ls"])))
def test_git_never_goes_unasked_as_a_command(pieces: list[str]) -> None:
    command = "".join(pieces)
    if first_to_ask_about(command) is None:
        # Outside of quotes no part of it begins with another program.
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "Q", command)
        for part in re.split(r"[;|&()]+", re.sub(r"[<>]+\s*\S*", " ", bare)):
            words = part.split()
            assert not words or words[0] in PLAIN_PROGRAMS or "Q" in words[0]


def test_a_shell_that_names_its_command_otherwise_is_asked() -> None:
    assert decision("Monitor", trusted=False, script="git status") == "ask"
    assert decision("Bash", trusted=False) == "ask"


def test_other_sessions_are_out_of_reach_of_an_untrusted_folder() -> None:
    for tool in REACHES_BEYOND:
        assert decision(tool, trusted=False) == "deny"
        assert decision(tool, trusted=True) == "ask"
    for tool in LOOKS_BEYOND:
        assert decision(tool, trusted=False) == "deny"
        assert decision(tool, trusted=True) is None


def test_an_unknown_tool_is_asked_and_a_users_server_is_left_to_the_cli() -> None:
    for trusted in (True, False):
        assert decision("TimeMachine", trusted=trusted) == "ask"
        assert decision("mcp__docs__search", trusted=trusted) is None
        for tool in IN_THE_FOLDER:
            assert decision(tool, trusted=trusted) is None


def test_only_what_may_be_ruled_on_is_sent_from_a_trusted_folder() -> None:
    sent = re.compile(IN_TRUSTED)
    away = {"isolation": "remote"}
    for tool in KNOWN | {"TimeMachine", "Bashful", "mcp__docs__search"}:
        assert bool(sent.search(tool)) == (rule_on(tool, away, trusted=True) is not None), tool


@pytest.mark.parametrize("tool", sorted(DELEGATES))
def test_an_agent_on_another_machine_is_denied_or_asked_and_one_here_is_the_clis(tool: str) -> None:
    for elsewhere in ("remote", "Remote", "", "cloud"):
        assert decision(tool, trusted=False, prompt="p", isolation=elsewhere) == "deny"
        assert decision(tool, trusted=True, prompt="p", isolation=elsewhere) == "ask"
    for trusted in (False, True):
        copied = decision(tool, trusted=trusted, prompt="p", isolation="worktree")
        assert copied == (None if trusted else "ask")
        assert decision(tool, trusted=trusted, prompt="p") is None


@pytest.mark.parametrize("tool", sorted(WORKTREES))
def test_copies_of_a_repository_are_asked_about_where_it_is_not_trusted(tool: str) -> None:
    assert decision(tool, trusted=False, action="keep") == "ask"
    assert decision(tool, trusted=True, action="remove") is None


def test_it_is_said_why() -> None:
    reasons = {
        "git status": "git may run what this folder names, and the folder is not trusted.",
        "./x": "It may run what this folder names, and the folder is not trusted.",
        "wc --files0-from=a": (
            "wc may reach what is not in this folder, and the folder is not trusted."
        ),
    }
    for command, reason in reasons.items():
        ruling = rule_on("Bash", {"command": command}, trusted=False)
        assert ruling is not None
        assert ruling.reason == reason


def test_no_program_is_plain_that_runs_others() -> None:
    assert not PLAIN_PROGRAMS & {"env", "xargs", "git", "make", "sh", "bash", "awk", "sed", "rg"}
    assert LONGEST_COMMAND >= 1000


@pytest.mark.parametrize(
    "command",
    [
        "cat /c/Users/me/.ssh/id",
        "cat 'C:\\Users\\me\\.ssh\\id'",
        "cat C:/Users/me/.ssh/id",
        "cat '\\\\server\\share\\file'",
        "cat '..\\..\\file'",
        "ls D:",
        "echo a > 'sub\\file'",
        "cat < C:/file",
    ],
)
def test_windows_paths_that_lead_out_are_asked_about(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the system has in place of its separators: the shell there is a POSIX one all the same.
    monkeypatch.setattr(plain_programs, "WINDOWS", True)
    monkeypatch.setattr(os, "path", ntpath)
    assert first_to_ask_about(command, r"C:\work") is not None


@pytest.mark.parametrize("command", ["cat a.py", "ls src/lib", "grep -n x src/a.py | head -5"])
def test_what_stays_in_a_folder_of_windows_is_not(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_programs, "WINDOWS", True)
    assert first_to_ask_about(command, r"C:\work") is None
