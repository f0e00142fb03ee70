"""Programs that do no more than their words say, and with which words.

    a command ──▶ its programs, each with its words ──▶ the first one that may do more, or none

The CLI (2.1.330) runs these unasked as long as each path among their words lies in the folder. But
it takes for no path what stands in an option (`--from-file=…`, `-f…`), what a program makes of a
word (`@…`), what the shell makes of one (`../*`, or a `*` that goes through a link), what a file
lists (`--files0-from`), and where links in a folder lead (`grep -R`, and `diff` of two folders). So
what isn't in the tables below is asked about. And it takes for the folder's what it keeps itself of
the folder's sessions, and writes down for later ones: so is what lies elsewhere, by its path.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from dataclasses import dataclass
from string import digits
from typing import Final

from claude_agent_lsp.base.system.paths import WINDOWS


@dataclass(frozen=True, slots=True)
class _Program:
    """How a program may be used.

    Attributes:
        flags: Its options of one letter that read nothing but the files among its words.
        valued: Those of them with a value, in the same word or the next, that is no file.
        words: How many words it takes that are no options; of some the last one is written to.
    """

    flags: str = ""
    valued: str = ""
    words: int = 10_000


# What reads no configuration of the folder that it works in, and runs no other program.
_PROGRAMS: Final = {
    "[": _Program("abcdefghklnopqrstuwxzGLNOS"),
    "basename": _Program("az", "s"),
    "cat": _Program("AbeEnstTuv"),
    "cd": _Program("", "", 1),
    "cksum": _Program("", "a"),
    "cmp": _Program("bls", "in", 2),
    "column": _Program("tnexLR", "scoNHdWrE"),
    "comm": _Program("123z", "", 2),
    "cut": _Program("sz", "bcdf"),
    "date": _Program("uRI", "d", 1),
    "df": _Program("ahHiklPT", "tx"),
    "dirname": _Program("z"),
    "du": _Program("abchkmsSxl0", "dBt"),
    "echo": _Program("neE"),
    "egrep": _Program("abcEFGhHilLnoPqrsTuvwxyzZ", "ABCem"),
    "expr": _Program(),
    "false": _Program(),
    "fgrep": _Program("abcEFGhHilLnoPqrsTuvwxyzZ", "ABCem"),
    "file": _Program("bhiknNprv0", "F"),
    "find": _Program(),
    "fold": _Program("bs", "w"),
    "free": _Program("bkmghltwv", "cs"),
    "grep": _Program("abcEFGhHilLnoPqrsTuvwxyzZ", "ABCem"),
    "groups": _Program(),
    "head": _Program("qvz", "cn"),
    "hostname": _Program("aAdfiIsy", "", 0),
    "id": _Program("agGnruzZ"),
    "join": _Program("iz", "aejotv12", 2),
    "ls": _Program("aAbBcCdfFgGhiklmnNopqQrRsStuUvxXZ1", "ITw"),
    "md5sum": _Program("btz"),
    "nl": _Program("p", "bdfhilnsvw"),
    "nproc": _Program(),
    "od": _Program("abcdfhiloxsv", "AjNStw"),
    "paste": _Program("sz", "d"),
    "printf": _Program(),
    "pwd": _Program("LP"),
    "readlink": _Program("efmnqsvz"),
    "realpath": _Program("eLmPqsz"),
    "rev": _Program(),
    "seq": _Program("w", "fs"),
    "sha1sum": _Program("btz"),
    "sha256sum": _Program("btz"),
    "sleep": _Program(),
    "sort": _Program("bcCdfghiMmnrRsuVz", "kSt"),
    "stat": _Program("LftZ", "c"),
    "strings": _Program("adfw", "nteso"),
    "tac": _Program("br", "s"),
    "tail": _Program("fFqvz", "cns"),
    "test": _Program("abcdefghklnopqrstuwxzGLNOS"),
    "tr": _Program("cCdst"),
    "true": _Program(),
    "tsort": _Program(),
    "type": _Program("afptP"),
    "uname": _Program("amnoprsvi"),
    "uniq": _Program("cdDiuz", "fsw", 1),
    "uptime": _Program("ps"),
    "wc": _Program("clLmw"),
    "which": _Program("a"),
    "whoami": _Program(),
    "xxd": _Program("abeEipruC", "cglos", 1),
}
PLAIN_PROGRAMS: Final = frozenset(_PROGRAMS)

# Options of several letters that read no file, whichever of the programs has them.
_LONG: Final = frozenset(
    {
        *("after-context", "all", "almost-all", "apparent-size", "before-context", "block-size"),
        *("brief", "bytes", "chars", "characters", "color", "colour", "complement", "context"),
        *("count", "delimiter", "delimiters", "directory", "exclude", "exclude-dir"),
        *("extended-regexp", "fields", "files-with-matches", "files-without-match"),
        *("fixed-strings", "format", "full-time", "help", "human-readable", "ignore-case"),
        *("include", "inode", "invert-match", "key", "line-number", "line-regexp", "lines"),
        *("max-count", "max-depth", "mime", "mime-type", "no-filename", "no-messages", "null"),
        *("number", "numeric-sort", "only-matching", "perl-regexp", "quiet", "regexp", "repeated"),
        *("reverse", "show-all", "show-ends", "show-tabs", "side-by-side", "silent", "size"),
        *("summarize", "text", "time-style", "total", "unified", "unique", "version"),
        *("version-sort", "width", "with-filename", "word-regexp", "words", "zero-terminated"),
    }
)
# What `find` may be asked for.
_FIND: Final = frozenset(
    {
        *("-a", "-amin", "-and", "-atime", "-cmin", "-ctime", "-depth", "-empty", "-false"),
        *("-group", "-iname", "-ipath", "-iregex", "-iwholename", "-links", "-ls", "-maxdepth"),
        *("-mindepth", "-mmin", "-mount", "-mtime", "-name", "-not", "-o", "-or", "-path", "-perm"),
        *("-print", "-print0", "-printf", "-prune", "-readable", "-regex", "-regextype", "-size"),
        *("-true", "-type", "-user", "-wholename", "-writable", "-executable", "-xdev", "-P"),
    }
)
# Words with which a program looks at files that the CLI doesn't look at: a path that is not here,
# or that a link may lead away.
_ELSEWHERE: Final = {
    "du": re.compile(".*/"),
    "readlink": re.compile(".*/"),
    "realpath": re.compile(".*/"),
    "strings": re.compile("@"),
}
_NOWHERE: Final = re.compile("(?!)")
# The words of these are no files; of those below, the first one is none.
_WORDS_ALONE: Final = frozenset(
    {
        *("basename", "date", "dirname", "echo", "expr", "printf", "seq", "sleep", "tr", "type"),
        "which",
    }
)
_PATTERN_FIRST: Final = frozenset({"egrep", "fgrep", "grep"})
# With these words in a command it can't be seen from outside what it runs.
_UNCLEAR: Final = re.compile(r"[`$\n\r\\{}]|[<>]\(")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
# What the shell makes other words of: names that fit, a home.
_EXPANDED: Final = re.compile(r"[*?]|\[(?![\s;&|<>()]|$)|(?:^|[\s=:;&|<>()])~")
_UP: Final = re.compile(r"(?:^|[/=:,])\.\.(?:/|$)")
# A path as Windows spells it, which the shell there takes, too: none of them is looked through.
_OF_WINDOWS: Final = re.compile(r"\\|(?:^|[=@])[A-Za-z]:")
_OPERATORS: Final = frozenset({"|", "||", "&&", "&", ";", "|&", "(", ")"})
_DESCRIPTORS: Final = frozenset({">&", "<&"})
_REDIRECTS: Final = frozenset({"<", ">", ">>", "<<<", ">&", "<&", ">|"})
LONGEST_COMMAND: Final = 2000


def first_to_ask_about(command: str, folder: str = "") -> str | None:
    """Return the first program of a command that may do more than its words say.

    Args:
        command: The command.
        folder: The path of the folder whose files it may read; none, if left out.

    Returns:
        Its name; empty if it can't be told; None if there is none.
    """
    commands, targets = _commands_in(command)
    if not commands:
        return ""
    for program, *words in commands:
        if program not in PLAIN_PROGRAMS:
            return program if program.isidentifier() or program.replace("-", "").isalnum() else ""
        if not _is_plain_use(program, words, folder):
            return program
    leads_out = any(_leads_out(sign, target, folder) for sign, target in targets)
    expands = _EXPANDED.search(_QUOTED.sub("Q", command)) is not None
    return commands[0][0] if leads_out or expands else None


def _commands_in(command: str) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Return the programs that are run, each with its words; nothing if that can't be told.

    Returns:
        With them, what is read and written beside them, each with the shell's sign for it.
    """
    # A shell whose command stands in another field is not looked into.
    if not command.strip() or len(command) > LONGEST_COMMAND or _UNCLEAR.search(command):
        return [], []
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[list[str]] = []
    targets: list[tuple[str, str]] = []
    begins, redirect = True, ""
    try:
        for word in [*lexer, ";"]:
            is_sign = bool(word) and set(word) <= set("();<>|&")
            if redirect:
                if is_sign or _UP.search(word):
                    return [], []
                targets.append((redirect, word))
                redirect = ""
            elif word in _OPERATORS:
                begins = True
            elif word in _REDIRECTS:
                redirect = word
            elif is_sign:
                return [], []
            elif begins:
                commands.append([word])
                begins = False
            else:
                commands[-1].append(word)
    except ValueError:
        return [], []
    return commands, targets


def _leads_out(sign: str, target: str, folder: str) -> bool:
    """Return whether it may read or write what is not in the folder."""
    if sign == "<<<" or target == os.devnull or (sign in _DESCRIPTORS and target.isdigit()):
        return False
    # Where links in a path lead, it would be written unasked if it is one of the CLI's own.
    if ">" in sign:
        return "/" in target or (WINDOWS and _OF_WINDOWS.search(target) is not None)
    return _is_elsewhere(target, folder)


def _is_elsewhere(word: str, folder: str) -> bool:
    if WINDOWS and _OF_WINDOWS.search(word):
        return True
    path = posixpath.normpath(word)  # as the shell has it, on Windows too
    return path.startswith("/") and not f"{path}/".startswith(f"{folder or '//'}/")


def _is_plain_use(program: str, words: list[str], folder: str) -> bool:
    """Return whether a program reads the files among its words that are in the folder alone."""
    files = _files_in(program, words)
    if files is None:
        return False
    # Without a word, `cd` goes home, and with "-" where it has been.
    if program == "cd" and (len(files) != 1 or words[-1] == "-"):
        return False
    if program in _WORDS_ALONE:
        return True
    if program in _PATTERN_FIRST and not any(w.startswith("-") and "e" in w for w in words):
        files = files[1:]
    return not any(_is_elsewhere(word, folder) for word in files)


def _files_in(program: str, words: list[str]) -> list[str] | None:
    """Return the words that are no options; None if there is one that isn't in the tables."""
    table, found, options, is_value = _PROGRAMS[program], list[str](), True, False
    elsewhere = _ELSEWHERE.get(program, _NOWHERE)
    for word in words:
        if _UP.search(word) or elsewhere.match(word):
            return None
        if is_value:
            is_value = False
        elif program == "find" and word.startswith("-"):
            if word not in _FIND:
                return None
        elif not options or program == "echo" or not word.startswith("-") or word == "-":
            found.append(word)
        elif word.startswith("--"):
            options = word != "--"
            if options and word[2:].partition("=")[0] not in _LONG:
                return None
        else:
            plain = word[1:].lstrip(table.flags + digits)
            if plain and plain[0] not in table.valued:
                return None
            is_value = len(plain) == 1
    return found if len(found) <= table.words else None
