"""How a CLI process is started: everything that can't be changed while it runs."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from claude_agent_lsp.agent.os_processes.marked import marks
from claude_agent_lsp.agent.permissions.diff import EDITS as EDITABLE
from claude_agent_lsp.agent.permissions.policy.tool_policy import IN_TRUSTED, MAY_WRITE, rule_on
from claude_agent_lsp.agent.process.private_files import PROMPT, SERVERS, SETTINGS, TEMPORARY
from claude_agent_lsp.agent.process.restraint import named_by, restraining_environment
from claude_agent_lsp.base.disk.places import place_of
from claude_agent_lsp.errors import NotTrusted
from claude_agent_lsp.sessions.claude_settings.settings_files import setting
from claude_agent_lsp.workspace.temporary import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from claude_agent_sdk import CanUseTool, ClaudeAgentOptions, HookMatcher

    from claude_agent_lsp.agent.permissions.policy.tool_policy import Ruling
    from claude_agent_lsp.agent.process.private_files import PrivateFiles
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.workspace.settings import Settings

    # What is called with a tool's name, its input and the call's id.
    BeforeTool = Callable[[str, Mapping[str, Any], str], Awaitable[None]]

# The CLI takes this mode only if it was started with it.
BYPASS = "bypassPermissions"
# A process that may bypass all questions can be set back to a mode that asks them.
warnings.filterwarnings("ignore", "can_use_tool will not be invoked")
# How long a first prompt waits for MCP servers. For those of its command line, which the settings
# are given by, the CLI would wait 30 s (2.1.330). What connects later is there with the agent's
# next step.
MCP_WAIT = "CLAUDE_CODE_MCP_STARTUP_WAIT_MS"
MCP_WAIT_MS = "5000"
# One message of the CLI may hold a whole image or file.
MAX_MESSAGE_BYTES = 64 * 2**20
# What a run that is kept nowhere may not use: nobody could take back what it changes.
CHANGES = ("Bash", "Edit", "NotebookEdit", "PowerShell", "Write", "mcp__editor__rename_symbol")


async def nothing_before(_: str, __: Mapping[str, Any], ___: str) -> None:
    """Have nothing to do before a tool is used."""


@dataclass(frozen=True)
class Overrides:
    """What one query asks for instead of the settings."""

    model: str | None = None
    effort: str | None = None
    permission_mode: str | None = None
    max_turns: int | None = None
    max_budget_usd: float | None = None
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Launch:
    """The folder, the settings and the limits that a process is started with.

    Two runs may share a process if their launches fit: they are equal but for the model and the
    permission mode, which can be changed while it runs, and for what was granted since it runs,
    which it was told then.

    Attributes:
        may_bypass: Whether the mode may become "bypassPermissions".
        denied: What is forbidden beside what the CLI's own settings forbid.
        trusted: Whether the user trusts the folder.
        place: What the folder was when it was found to be trusted.
        granted_rules: What the user has allowed for the session, as rules of the CLI.
        granted_directories: Where else the user lets the agent work in this session.
        traceless: Whether the CLI keeps nothing of the session.
    """

    folder: Path
    settings: Settings
    model: str | None = None
    effort: str | None = None
    permission_mode: str = "default"
    may_bypass: bool = False
    max_turns: int | None = None
    max_budget_usd: float | None = None
    output_schema: Mapping[str, Any] | None = None
    denied: tuple[str, ...] = ()
    trusted: bool = True
    place: Place | None = None
    granted_rules: frozenset[str] = frozenset()
    granted_directories: frozenset[str] = frozenset()
    traceless: bool = False

    @classmethod
    def build(
        cls,
        folder: Path,
        settings: Settings,
        wanted: Overrides | None = None,
        session_mode: str | None = None,
    ) -> Launch:
        """Return the launch for `folder`: by the query, else the session's mode, else settings."""
        wanted = wanted or Overrides()
        mode = wanted.permission_mode or session_mode or settings.permission_mode
        return cls(
            folder=folder,
            settings=settings,
            model=wanted.model or settings.model,
            effort=wanted.effort or settings.effort,
            permission_mode=mode,
            may_bypass=mode == BYPASS,
            max_turns=wanted.max_turns or settings.max_turns,
            max_budget_usd=wanted.max_budget_usd or settings.max_budget_usd,
            output_schema=wanted.output_schema,
        )

    def fits(self, other: Launch) -> bool:
        """Return whether a process of this launch can serve a run of the `other`.

        A budget is counted over a process's whole life, so a process with one serves one run.
        """
        if self.max_budget_usd is not None or other.max_budget_usd is not None:
            return False
        if other.may_bypass and not self.may_bypass:
            return False
        same: dict[str, Any] = {
            "model": None,
            "permission_mode": "default",
            "may_bypass": False,
            "granted_rules": frozenset(),
            "granted_directories": frozenset(),
        }
        return replace(self, **same) == replace(other, **same)

    def own_model(self) -> str | None:
        """Return the model that the CLI uses where none is named, or None. Reads files.

        A session that it resumes goes on with its last one instead (CLI 2.1.330).
        """
        sources = self.settings.setting_sources
        named = {**os.environ, **self.settings.env}.get("ANTHROPIC_MODEL")
        found = named or setting(self.folder, "model", sources)
        return found if isinstance(found, str) else None

    def check_place(self) -> None:
        """See to it that the folder is still the one that is trusted. Reads the disk.

        Raises:
            NotTrusted: Another one has taken its place.
        """
        if self.place is not None and place_of(self.folder) != self.place:
            raise NotTrusted(f"{self.folder} is no longer the folder that was trusted.")

    async def restrained(self) -> tuple[str, ...]:
        """Return what of the folder's git configuration must be overridden. Runs git.

        Raises:
            CliFailedToStart: It can't be told.
        """
        return () if self.trusted else await named_by(self.folder)

    def _environment(
        self, mark: str, own: Mapping[str, Path], restraint: Mapping[str, str]
    ) -> dict[str, str]:
        """Return what a process has in its environment beside the server's own."""
        settings = self.settings
        waits = settings.mcp_servers and MCP_WAIT not in os.environ
        return {
            **({MCP_WAIT: MCP_WAIT_MS} if waits else {}),
            # The user's own switches that the CLI reads from its environment.
            **settings.env,
            **restraint,
            **({VARIABLE: os.fspath(own[TEMPORARY])} if TEMPORARY in own else {}),
            # It is asked to say when it is idle, since a result doesn't mean that it is.
            "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
            **marks(mark),
        }

    def restraint(self, named: Collection[str]) -> dict[str, str]:
        """Return the variables by which nothing of an untrusted folder runs. Reads files.

        Args:
            named: What `restrained` has found.
        """
        if self.trusted:
            return {}
        own = setting(self.folder, "env", self.settings.setting_sources)
        users = (
            {k: v for k, v in own.items() if isinstance(v, str)} if isinstance(own, dict) else {}
        )
        return restraining_environment({**os.environ, **users, **self.settings.env}, named)

    def _policy(self) -> HookMatcher:
        from claude_agent_sdk import HookMatcher

        async def rule(call: Any, _: str | None, __: Any) -> Any:
            tool, tool_input = str(call.get("tool_name")), call.get("tool_input")
            known = tool_input if isinstance(tool_input, dict) else {}
            folder = os.fspath(self.folder)
            return _hooked(rule_on(tool, known, trusted=self.trusted, folder=folder))

        # What can't be ruled on is not done.
        matcher = IN_TRUSTED if self.trusted else None
        return HookMatcher(matcher=matcher, hooks=[rule], on_failure="block")

    def options(
        self,
        session: SessionStart,
        *,
        mark: str,
        executable: Path | None = None,
        can_use_tool: CanUseTool,
        stderr: Callable[[str], None],
        before_tool: BeforeTool = nothing_before,
        is_modified: Callable[[str], bool] = lambda _: False,
        files: PrivateFiles | None = None,
    ) -> ClaudeAgentOptions:
        """Return the SDK's options for a process of this launch in `session`.

        Args:
            session: The session.
            executable: The CLI; None for the one that comes with the SDK.
            mark: The process's own.
            can_use_tool: Decides about tool calls.
            stderr: Takes the lines that it writes there.
            before_tool: Called before each tool that may change files, which waits for it.
            is_modified: Says of a tool call whether the user has changed what it does.
            files: Those that nobody else may read, written already.
        """
        from claude_agent_sdk import ClaudeAgentOptions

        settings = self.settings
        own = {} if files is None else files.paths
        restraint = {} if files is None else files.restraint
        return ClaudeAgentOptions(
            cwd=self.folder,
            cli_path=executable,
            env=self._environment(mark, own, restraint),
            session_id=None if session.resumes else session.session_id,
            resume=session.source,
            fork_session=session.forks,
            resume_session_at=session.at,
            system_prompt={"type": "preset", "preset": "claude_code"},
            settings=os.fspath(own[SETTINGS]) if SETTINGS in own else None,
            extra_args={
                **({"append-system-prompt-file": os.fspath(own[PROMPT])} if PROMPT in own else {}),
                **({"no-session-persistence": None} if self.traceless else {}),
            },
            tools={"type": "preset", "preset": "claude_code"},
            model=self.model,
            effort=cast("Any", self.effort),
            permission_mode=cast("Any", self.permission_mode),
            max_turns=self.max_turns,
            max_budget_usd=self.max_budget_usd,
            output_format=(
                {"type": "json_schema", "schema": dict(self.output_schema)}
                if self.output_schema is not None
                else None
            ),
            mcp_servers=own.get(SERVERS, {}),
            add_dirs=[os.fspath(path) for path in settings.additional_directories],
            setting_sources=cast("Any", list(settings.setting_sources)),
            include_partial_messages=True,
            include_hook_events=True,
            forward_subagent_text=True,
            enable_file_checkpointing=not self.traceless,
            max_buffer_size=MAX_MESSAGE_BYTES,
            can_use_tool=can_use_tool,
            hooks={
                "PreToolUse": [self._policy(), _look(before_tool)],
                "PostToolUse": [_tell_modified(is_modified)],
            },
            stderr=stderr,
        )


def _look(before_tool: BeforeTool) -> HookMatcher:
    from claude_agent_sdk import HookMatcher

    async def look(call: Any, call_id: str | None, _: Any) -> Any:
        tool, tool_input = str(call.get("tool_name")), call.get("tool_input")
        known = tool_input if isinstance(tool_input, dict) else {}
        await before_tool(tool, known, call_id or "")
        return {}

    return HookMatcher(matcher=MAY_WRITE, hooks=[look])


def _tell_modified(is_modified: Callable[[str], bool]) -> HookMatcher:
    """Have the agent know that the user has changed its proposal.

    Who answers for an SDK can't say it with the answer (CLI 2.1.332), only what the tool has put
    out can: the CLI words it for the agent as if it had been done in its own terminal.
    """
    from claude_agent_sdk import HookMatcher

    async def tell(call: Any, call_id: str | None, _: Any) -> Any:
        told = call.get("tool_response")
        if not (isinstance(told, dict) and is_modified(call_id or "")):
            return {}
        output = {**told, "userModified": True}
        return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "updatedToolOutput": output}}

    return HookMatcher(matcher="|".join(EDITABLE), hooks=[tell])


def _hooked(ruling: Ruling | None) -> Any:
    if ruling is None:
        return {}
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": ruling.decision,
            "permissionDecisionReason": ruling.reason,
        }
    }


@dataclass(frozen=True, slots=True)
class SessionStart:
    """Which conversation a process works in.

    Attributes:
        session_id: The id it has, chosen before the process starts.
        source: The session that is read in; None begins a new one.
        at: The last message of `source` that is read in; None reads them all.
        left: The session that has what was said behind that, where this one has gone back.
        left_from: When the first run began that it has left; None if it has left none.
    """

    session_id: str
    source: str | None = None
    at: str | None = None
    left: str | None = None
    left_from: datetime | None = None

    @property
    def forks(self) -> bool:
        """Whether it is a copy of another session."""
        return self.source is not None and self.source != self.session_id

    @property
    def resumes(self) -> bool:
        """Whether it goes on with the session itself."""
        return self.source == self.session_id
