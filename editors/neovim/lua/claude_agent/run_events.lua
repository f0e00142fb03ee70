--- What a run tells, by the kind of the event: how it stands on its conversation's page.

local client = require('claude_agent.client')
local config = require('claude_agent.config')
local files = require('claude_agent.files')
local history = require('claude_agent.history')
local tools = require('claude_agent.tools')

---@alias claude_agent.RunEvent fun(talk: claude_agent.Conversation, event: table, prompt: string)
---@type table<string, claude_agent.RunEvent>
local M = {}

function M.started(talk, event, prompt)
  if talk.run_id then
    return
  end
  local continues = talk.session == 'last' and config.get().history
  talk.session = event.run.sessionId
  if talk.mode then -- for the runs that follow, too
    client.command(talk.server, 'mode', { sessionId = talk.session, permissionMode = talk.mode })
    talk.mode = nil
  end
  if continues then
    talk:load(talk.server, prompt)
  end
  talk:goes_on('Thinking')
end

function M.steered(talk, event)
  talk.page:turn('You')
  talk.page:append(event.text)
  talk.page:turn('Claude')
  talk.of = nil
end

--- Shows what a subagent does or says below its call; without one that is here, at the end.
---@param talk claude_agent.Conversation
---@param event table
---@param title string
---@param body string[]
---@return claude_agent.Block?
local function nest(talk, event, title, body)
  local parent = talk.nests[event.parentToolCallId]
  local line = ('  '):rep(parent and parent.depth or 1) .. tools.SIGN .. title
  local block
  if parent then
    block = talk.page:nest(parent, line, body)
  else
    talk:after('tools')
    block = talk.page:block(line, body)
  end
  if block then
    block.depth = (parent and parent.depth or 1) + 1
  end
  return block
end

---@param talk claude_agent.Conversation
---@param event table
local function nested_words(talk, event)
  local block = nest(talk, event, tools.nested(event.kind, event.text))
  if block then
    talk.page:fold(block)
  end
end

function M.text(talk, event)
  if event.parentToolCallId then
    nested_words(talk, event)
    return
  end
  if talk.of ~= event.messageId then
    talk:after(event.messageId)
    talk:goes_on('Answering')
  end
  talk.page:append(event.text)
end

function M.retracted(talk, event)
  if talk.of == event.messageId then
    talk.page:strike(event.text)
    talk.of = 'retracted'
  end
end

function M.thinking(talk, event)
  if event.parentToolCallId then
    nested_words(talk, event)
    return
  end
  local of = 'thinking ' .. event.messageId
  if talk.of ~= of then
    talk:after(of)
    talk.page:grow(tools.SIGN .. 'Thinking')
  end
  talk.page:append(event.text)
end

function M.toolCall(talk, event)
  local given = tools.given(event.input)
  local block
  if event.parentToolCallId then
    block = nest(talk, event, event.title, given)
  else
    talk:after('tools')
    block = talk.page:block(tools.SIGN .. event.title, given)
    if block then
      block.depth = 1
    end
  end
  talk.last_call = block
  talk.calls[event.toolCallId], talk.nests[event.toolCallId] = block, block
  talk:goes_on(event.title)
end

function M.toolResult(talk, event)
  local block = talk.calls[event.toolCallId]
  if block then
    local said = event.text ~= '' and tools.lines(event.text) or {}
    talk.page:extend(block, tools.outcome(event.status, said), said)
    talk.page:fold(block)
    talk.calls[event.toolCallId] = nil
  end
  talk:goes_on('Thinking')
end

function M.question(talk, event)
  talk.asked[event.question.questionId] = event.question.title
  talk:goes_on('')
end

function M.questionAnswered(talk, event)
  talk.asked[event.questionId] = nil
  require('claude_agent.questions').settle(event.questionId, event.by)
  talk:goes_on('Thinking')
end

function M.fileChanged(_, event)
  files.changed(event.uri)
end

function M.usage(talk, event)
  talk.usage = event
  vim.cmd.redrawstatus({ bang = true })
end

function M.notice(talk, event)
  talk:after('notice')
  talk.page:append(('_%s_'):format(event.text))
end

function M.compacted(talk, event)
  talk:after('notice')
  talk.page:append(history.compacted(event))
end

function M.ended(talk, event)
  local run = event.run
  for id in pairs(talk.asked) do
    require('claude_agent.questions').settle(id, 'withdrawn')
  end
  files.check(talk.folder)
  talk.session = run.nextSessionId or talk.session -- it was cleared
  if run.error then
    talk:fail(run.error.message, run.error.hint)
    return
  end
  local ending = history.ending(run)
  if #ending > 0 then
    talk:after('end')
    talk.page:append(table.concat(ending, '\n'))
  end
  if run.status == 'cancelled' then
    talk:finish('Stopped')
  else
    local changed = #(run.filesChanged or {})
    talk:finish(table.concat({
      'Done',
      changed > 0 and (', %d file%s changed'):format(changed, changed > 1 and 's' or '') or '',
      run.costUsd and run.costUsd > 0 and (', $%.2f'):format(run.costUsd) or '',
    }))
  end
end

function M.lost(talk)
  for id in pairs(talk.asked) do
    require('claude_agent.questions').settle(id, 'withdrawn')
  end
  talk:fail(
    'the server has ended.',
    'The session is kept. :ClaudeAgent ask starts the server again.'
  )
end

return M
