"""How a CLI process asks about open documents: a mod, and an MCP server that is this server.

    the CLI's tools ──▶ the mod (`mod/`) ──▶ MCP server "editor", tool "ask" ──▶ BufferTools
    the agent       ──▶ the same server, tools of its own (agent/editor_tools)

A mod is early access (CLI 2.1.330), and the user's settings may turn it off. So it announces
itself, and where it has not, the process is started anew with hooks, which see to it that nothing
unsaved is read wrongly or written over. They are not always there: each costs its tool some 7 ms.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_sdk import HookMatcher, PermissionResultAllow

from claude_agent_lsp.agent.buffers.buffers import OPEN_VARIABLE
from claude_agent_lsp.agent.buffers.mcp_server import McpServer, Tool
from claude_agent_lsp.base.texts.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_agent_sdk import (
        CanUseTool,
        ClaudeAgentOptions,
        HookCallback,
        McpServerConfig,
        PermissionResult,
        ToolPermissionContext,
    )

    from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools

MOD: Final = Path(__file__).parent / "mod"
SERVER: Final = "editor"
_EDITS: Final = "Edit|Write|MultiEdit|NotebookEdit"
_LOOKS_AT_THE_DISK: Final = "Bash|Grep|Glob"
_STRING: Final = {"type": "string"}
# What a mode is called in which the agent must not change anything.
_PLAN: Final = "plan"
PLANNING: Final = "The user wants you to plan only. Nothing was changed."
_ASK: Final = {"type": "object", "properties": {"what": _STRING, "call": _STRING}}


def with_buffers(
    options: ClaudeAgentOptions, tools: BufferTools, offered: Sequence[Tool] = ()
) -> ClaudeAgentOptions:
    """Return the options of a process that asks about documents.

    Args:
        options: Those of the process.
        tools: Answer it.
        offered: What the agent itself can ask the editor for. Nobody is asked about what reads.
    """
    named, file = options.mcp_servers, tools.buffers.file
    server: Any = McpServer(SERVER, [_asked_by_mod(tools), *offered])
    own: dict[str, McpServerConfig] = {SERVER: {"type": "sdk", "name": SERVER, "instance": server}}
    hooks = dict(options.hooks or {})
    before, after = _fallback(tools) if tools.hooked else ([], [])
    noting = HookMatcher(matcher=_LOOKS_AT_THE_DISK, hooks=[_noted(tools)])
    changing = [_name(each) for each in offered if not each.reads]
    planning = [_unless_planning("|".join(changing))] if changing else []
    return replace(
        options,
        plugins=[*options.plugins, {"type": "local", "path": os.fspath(MOD)}],
        # Given by two options: the SDK takes a file, or what it serves itself.
        mcp_servers=own if not named or not isinstance(named, dict) else {**named, **own},
        extra_args={
            **options.extra_args,
            **({"mcp-config": os.fspath(named)} if isinstance(named, str | Path) else {}),
        },
        allowed_tools=[*options.allowed_tools, *(_name(each) for each in offered if each.reads)],
        # The mod alone asks.
        disallowed_tools=[*options.disallowed_tools, f"mcp__{SERVER}__ask"],
        env={**options.env, **({} if file is None else {OPEN_VARIABLE: os.fspath(file)})},
        can_use_tool=_with_real_input(options.can_use_tool, tools),
        hooks={
            **hooks,
            "PreToolUse": [*hooks.get("PreToolUse", []), *before, *planning],
            "PostToolUse": [*hooks.get("PostToolUse", []), *after, noting],
        },
    )


def _name(tool: Tool) -> str:
    return f"mcp__{SERVER}__{tool.name}"


def _unless_planning(tools: str) -> HookMatcher:
    """Deny tools while the agent is to plan only, whatever rules allow."""

    async def rule(call: Any, _: str | None, __: Any) -> Any:
        return _denied(PLANNING) if call.get("permission_mode") == _PLAN else {}

    return HookMatcher(matcher=tools, hooks=[rule], on_failure="block")


def _denied(why: str) -> dict[str, Any]:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": why,
        }
    }


def _asked_by_mod(tools: BufferTools) -> Tool:
    async def ask(given: Mapping[str, Any]) -> str:
        call = parse_json(str(given.get("call")).encode(errors="surrogatepass"))
        known = call if isinstance(call, dict) else {}
        return json.dumps(await tools.answer(str(given.get("what")), known))

    return Tool("ask", "What the editor has of a file: for the plugin of this server.", _ASK, ask)


def _with_real_input(decide: CanUseTool | None, tools: BufferTools) -> CanUseTool | None:
    """Have the user see what the agent wants, and not what the CLI looks for on the disk."""
    if decide is None:
        return None

    async def decide_really(
        name: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        real = dict(tools.real_input(context.tool_use_id, tool_input))
        result = await decide(name, real, context)
        if not isinstance(result, PermissionResultAllow) or result.updated_input is None:
            return result
        # The tool would look for it on the disk once more.
        replaced = await tools.replace_input(context.tool_use_id, result.updated_input)
        return replace(result, updated_input=None) if replaced else result

    return decide_really


def _fallback(tools: BufferTools) -> tuple[list[HookMatcher], list[HookMatcher]]:
    """Return the hooks before and after a tool, for where the mod is not at work."""

    async def before(call: Any, _: str | None, __: Any) -> Any:
        refusal = None if tools.ready else await tools.refusal(_call_in(call))
        return {} if refusal is None else _denied(refusal)

    async def after(call: Any, _: str | None, __: Any) -> Any:
        answer = {} if tools.ready else await tools.answer("perform", _call_in(call))
        if "result" not in answer:
            return {}
        return {
            "hookSpecificOutput": {
                "hookEventName": "PostToolUse",
                "updatedToolOutput": answer["result"],
            }
        }

    return (
        [HookMatcher(matcher=_EDITS, hooks=[before], on_failure="block")],
        [HookMatcher(matcher="Read", hooks=[after])],
    )


def _noted(tools: BufferTools) -> HookCallback:
    async def note(_: Any, __: str | None, ___: Any) -> Any:
        told = await tools.looks.note()
        if told is None:
            return {}
        return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": told}}

    return note


def _call_in(call: Mapping[str, Any]) -> dict[str, Any]:
    given = call.get("tool_input")
    known = given if isinstance(given, dict) else {}
    path = known.get("file_path") or known.get("notebook_path")
    return {**known, "file_path": path, "tool": call.get("tool_name")}
