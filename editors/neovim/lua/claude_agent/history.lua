--- What was said in a session earlier, as the lines of its page.

local tools = require('claude_agent.tools')

local M = {}

local PAGE = 1000

-- What stands between what was said, by the kind of a message: in its own words, or in these.
local ASIDE = { gap = false, woken = false, notice = false, interrupted = 'Stopped.' }

---@param message string
---@param hint? string
---@return string
function M.failure(message, hint)
  return ('**Failed**: %s%s'):format(message, hint and '\n' .. hint or '')
end

--- How a run has ended, as far as that stands on its page.
---@param run table As an outcome has it.
---@return string[] lines
function M.ending(run)
  if run.blocked then
    return { ('_A hook has blocked this prompt. %s_'):format(run.blocked.hint) }
  elseif run.error then
    return tools.lines(M.failure(run.error.message, run.error.hint))
  end
  return run.status == 'cancelled' and { '_Stopped._' } or {}
end

---@param event table With the tokens before and after.
---@return string
function M.compacted(event)
  local text = '_The conversation was compacted, from %d tokens to %s._'
  return text:format(event.tokensBefore, event.tokensAfter or 'fewer')
end

--- Tells the messages of subagents from those of the session; one whose call is not there is its
--- own.
---@param messages table[]
---@return table[] own
---@return table<string, table[]> nested By the calls that have begun the subagents.
function M.parted(messages)
  local own, nested = {}, {}
  for _, message in ipairs(messages) do
    for _, call in ipairs(message.toolCalls) do
      nested[call.toolCallId] = {}
    end
  end
  for _, message in ipairs(messages) do
    table.insert(nested[message.parentToolCallId or ''] or own, message)
  end
  return own, nested
end

---@param messages table[] As `claudeAgent.session.read` has them.
---@param folder string
---@return string[] lines
---@return [integer, integer][] blocks The first and last lines of what is to be folded.
---@return integer[] headings Which lines are the headings of turns, from 1.
function M.render(messages, folder)
  local lines, blocks, headings = {}, {}, {}
  local own, nested = M.parted(messages)
  local speaker, last_call

  local function add(text)
    vim.list_extend(lines, text)
  end
  local function folded(title, body, depth)
    add({ ('  '):rep(depth or 0) .. tools.SIGN .. title })
    add(body)
    table.insert(blocks, { #lines - #body, #lines })
  end
  local function gap()
    if #lines > 0 and lines[#lines] ~= '' then
      add({ '' })
    end
  end

  local function turn(who)
    add({ '## ' .. who, '' })
    table.insert(headings, #lines - 1)
    speaker = who
  end

  local said_below

  local function called(call, depth)
    local result = call.text and tools.lines(call.text) or {}
    local outcome = call.status and tools.outcome(call.status, result) or ''
    folded(
      tools.title(call.tool, call.input, folder) .. outcome,
      vim.list_extend(tools.given(call.input), result),
      depth
    )
    local below = nested[call.toolCallId] or {}
    nested[call.toolCallId] = nil -- shown once, whatever the ids are
    for _, message in ipairs(below) do
      said_below(message, depth + 1)
    end
    last_call = #lines
  end

  -- What a subagent was asked stands in its call.
  function said_below(message, depth)
    if message.role ~= 'user' then
      for _, kind in ipairs({ 'thinking', 'text' }) do
        if (message[kind] or '') ~= '' then
          local title, body = tools.nested(kind, message[kind])
          folded(title, body, depth)
        end
      end
      for _, call in ipairs(message.toolCalls) do
        called(call, depth)
      end
    end
  end

  local function said(message)
    local who = message.role == 'user' and 'You' or 'Claude'
    if who ~= speaker or who == 'You' then
      gap()
      turn(who)
    end
    if message.thinking then
      gap()
      folded('Thinking', tools.lines(message.thinking))
    end
    if message.text ~= '' then
      gap()
      add(tools.lines(message.text))
    end
    -- Calls stand below one another, whichever messages they are in.
    if #message.toolCalls > 0 and #lines ~= last_call then
      gap()
    end
    for _, call in ipairs(message.toolCalls) do
      called(call, 0)
    end
  end

  for _, message in ipairs(own) do
    local aside = message.kind and ASIDE[message.kind]
    if message.parentToolCallId then
      gap()
      said_below(message, 1)
    elseif aside ~= nil then
      gap()
      if message.kind == 'woken' then -- a turn of its own
        turn('Claude')
      end
      add({ ('_%s_'):format(aside or message.text:gsub('%s+', ' ')) })
    elseif message.kind == 'outcome' then
      local ending = M.ending(message.run)
      if #ending > 0 then
        gap()
        add(ending)
      end
    elseif message.kind == 'retracted' then
      gap()
      add(tools.lines(('~~%s~~'):format(message.text)))
    elseif message.kind == 'compaction' then
      gap()
      if message.tokensBefore then
        add({ M.compacted(message) })
      end
      folded('Compacted: what Claude was left with', tools.lines(message.text))
    else
      said(message)
    end
  end
  gap()
  return lines, blocks, headings
end

--- Leaves out what is here already: a prompt that has just been sent, and what came since.
---@param messages table[]
---@param prompt string
function M.cut(messages, prompt)
  for at = #messages, 1, -1 do
    if messages[at].role == 'user' then
      local sent = messages[at].text == prompt
      while sent and #messages >= at do
        table.remove(messages)
      end
      return
    end
  end
end

--- Reads all that was said.
---@param server vim.lsp.Client
---@param session_id string
---@param callback fun(session: table?, messages: table[])
function M.read(server, session_id, callback)
  local messages = {}
  local function next_page(cursor)
    local argument = { sessionId = session_id, limit = PAGE, cursor = cursor }
    require('claude_agent.client').command(server, 'session.read', argument, function(err, result)
      if err then
        callback(nil, messages)
        return
      end
      vim.list_extend(messages, result.messages)
      if result.nextCursor then
        next_page(result.nextCursor)
      else
        callback(result.session, messages)
      end
    end)
  end
  next_page()
end

return M
