--- A conversation: a session of the agent, its page, and the run that is at work in it.

local client = require('claude_agent.client')
local config = require('claude_agent.config')
local events = require('claude_agent.events')
local files = require('claude_agent.files')
local history = require('claude_agent.history')
local pages = require('claude_agent.page')
local tools = require('claude_agent.tools')
local window = require('claude_agent.window')

---@alias claude_agent.State 'idle'|'starting'|'running'|'waiting'

---@class claude_agent.Conversation
---@field folder string
---@field page claude_agent.Page
---@field session string A session's id, "new" or "last".
---@field mode? string The permission mode of the next run, chosen before there is a session.
---@field state claude_agent.State
---@field activity string What goes on, in a line.
---@field usage? table
---@field private server? vim.lsp.Client
---@field private request? integer
---@field private run_id? string Of a run that the agent has begun by itself.
---@field private token? string
---@field private calls table<string, claude_agent.Block>
---@field private last_call? claude_agent.Block
---@field private of? string What is written now: a message's id, or a kind.
---@field private stopping? boolean
local Conversation = {}
Conversation.__index = Conversation

local M = {}

---@type claude_agent.Conversation[] the newest last
local all = {}
---@type table<string, claude_agent.Conversation> by folder
local current = {}
local count = 0

---@param folder string
---@param session string
---@return claude_agent.Conversation
function M.new(folder, session)
  count = count + 1
  local name = ('claude-agent://%d/%s'):format(count, vim.fs.basename(folder))
  local self = setmetatable({
    folder = folder,
    page = pages.new(name, folder),
    session = session,
    state = 'idle',
    activity = '',
    calls = {},
  }, Conversation)
  table.insert(all, self)
  current[folder] = self
  return self
end

--- The conversation of a buffer, else the current one of its folder.
---@param buf integer
---@return claude_agent.Conversation?
function M.of(buf)
  local own = vim.iter(all):find(function(each)
    return each.page.buf == buf
  end)
  local found = own or current[client.folder(buf)]
  return found and found.page:exists() and found or nil
end

--- The conversation that has a session.
---@param session_id string
---@return claude_agent.Conversation?
function M.with_session(session_id)
  return vim.iter(all):find(function(each)
    return each.session == session_id and each.page:exists()
  end)
end

--- The one that a run is at work in, wherever it is; the newest of them.
---@return claude_agent.Conversation?
function M.at_work()
  return vim.iter(all):rev():find(function(each)
    return each.state ~= 'idle'
  end)
end

--- Brings what an open question is about to where no menu of choices covers it.
function M.reveal_waiting()
  local talk = M.at_work()
  if talk and talk.last_call then
    talk.page:reveal(talk.last_call)
    vim.cmd.redraw()
  end
end

---@param focus? boolean
function Conversation:show(focus)
  current[self.folder] = self
  window.show(self.page.buf, focus or false)
end

---@param state claude_agent.State
---@param activity string
function Conversation:_tell(state, activity)
  self.state, self.activity = state, activity
  vim.cmd.redrawstatus({ bang = true })
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'ClaudeAgentStatus',
    modeline = false,
    data = { buf = self.page.buf, state = state, activity = activity },
  })
end

--- Shows what was said in this session earlier, before what is here.
---@param server vim.lsp.Client
---@param but? string The prompt that has just been sent.
---@param callback? fun(session: table?)
function Conversation:load(server, but, callback)
  history.read(server, self.session, function(session, messages)
    local final = messages[#messages]
    if but and final and final.role == 'user' and final.text == but then
      table.remove(messages)
    end
    if #messages > 0 then
      self.page:prepend(history.render(messages, self.folder))
    end
    if callback then
      callback(session)
    end
  end)
end

--- Asks the agent.
---@param prompt string
---@param shown string As the user wrote it.
---@param context? table
---@param place? string
function Conversation:ask(prompt, shown, context, place)
  if self.state ~= 'idle' then
    client.notify('the agent is still working. :ClaudeAgent stop stops it.', vim.log.levels.WARN)
    return
  end
  self.page:turn('You')
  self.page:append(shown .. (place and ('\n\n> ' .. place) or ''))
  self.page:turn('Claude')
  self.of, self.calls, self.last_call = nil, {}, nil
  self.usage, self.stopping = nil, false
  self:_tell('starting', 'Starting')

  client.with(self.folder, function(server)
    if self.stopping then
      self:_end('Stopped')
      return
    end
    self.server = server
    self.token = events.listen(server.id, function(event)
      self:_on(event, prompt)
    end)
    self.request = client.command(server, 'query', {
      prompt = prompt,
      workspace = vim.uri_from_fname(self.folder),
      session = self.session,
      context = context,
      permissionMode = self.mode,
      partialResultToken = self.token,
      wait = true,
    }, function(err)
      if err and self.token then -- it never started
        events.forget(self.token)
        self:_fail(err.message, type(err.data) == 'table' and err.data.hint or nil)
      end
    end)
  end, function(message)
    self:_fail(message)
  end)
end

--- A run has begun or ended. One that the agent has begun by itself is shown where its session is.
---@param run table
---@param client_id integer
function M.on_run(run, client_id)
  local talk = run.origin == 'agent' and run.status == 'running' and M.with_session(run.sessionId)
  local server = vim.lsp.get_client_by_id(client_id)
  if talk and server and talk.state == 'idle' then
    talk:_follow(run, server)
  end
end

--- Shows a run that the agent has begun by itself.
---@param run table
---@param server vim.lsp.Client
function Conversation:_follow(run, server)
  self.page:turn('Claude')
  self.page:append(('_%s_'):format(run.cause))
  self.of, self.calls, self.last_call = 'notice', {}, nil
  self.usage, self.stopping = nil, false
  self.server, self.run_id = server, run.runId
  self.token = events.listen(server.id, function(event)
    self:_on(event, '')
  end, run.runId)
  self:_tell('running', run.cause)
end

--- Stops the run. What was said so far stays, here and in the session.
---@return boolean # Whether there was one.
function Conversation:stop()
  if self.state == 'idle' then
    return false
  end
  self.stopping = true
  self:_tell(self.state, 'Stopping')
  if self.run_id then
    client.command(self.server, 'cancel', { runId = self.run_id })
  elseif self.server and self.request then
    self.server:cancel_request(self.request)
    self:_await_answer(self.server, self.request)
  end
  return true
end

--- Neovim keeps the answer to a cancelled request to itself, and a query that was cancelled before
--- it had begun tells nothing else.
---@param server vim.lsp.Client
---@param request integer
function Conversation:_await_answer(server, request)
  vim.defer_fn(function()
    if self.request ~= request then
      return
    elseif server.requests[request] then
      self:_await_answer(server, request)
    elseif self.token then
      events.forget(self.token)
      self:_end('Stopped')
    end
  end, 250)
end

---@param event table
---@param prompt string
function Conversation:_on(event, prompt)
  local handle = self['_on_' .. event.kind]
  if handle then
    handle(self, event, prompt)
  end
end

function Conversation:_on_started(event, prompt)
  if self.run_id then
    return
  end
  local continues = self.session == 'last' and config.get().history
  self.session = event.run.sessionId
  if self.mode then -- for the runs that follow, too
    client.command(self.server, 'mode', { sessionId = self.session, permissionMode = self.mode })
    self.mode = nil
  end
  if continues then
    self:load(self.server, prompt)
  end
  self:_tell('running', self.stopping and 'Stopping' or 'Thinking')
end

function Conversation:_on_text(event)
  if self.of ~= event.messageId then
    self:_after(event.messageId)
    self:_tell('running', self.stopping and 'Stopping' or 'Answering')
  end
  self.page:append(event.text)
end

function Conversation:_on_thinking(event)
  local of = 'thinking ' .. event.messageId
  if self.of ~= of then
    self:_after(of)
    self.page:grow(tools.SIGN .. 'Thinking')
  end
  self.page:append(event.text)
end

function Conversation:_on_toolCall(event)
  self:_after('tools')
  local indent = event.parentToolCallId and '  ' or ''
  self.last_call = self.page:block(indent .. tools.SIGN .. event.title, tools.given(event.input))
  self.calls[event.toolCallId] = self.last_call
  self:_tell('running', event.title)
end

function Conversation:_on_toolResult(event)
  local block = self.calls[event.toolCallId]
  if block then
    local said = event.text ~= '' and tools.lines(event.text) or {}
    self.page:extend(block, tools.outcome(event.status, said), said)
    self.page:fold(block)
    self.calls[event.toolCallId] = nil
  end
  self:_tell('running', self.stopping and 'Stopping' or 'Thinking')
end

function Conversation:_on_question(event)
  self:_tell('waiting', 'Waiting for you: ' .. event.question.title)
end

function Conversation:_on_questionAnswered(event)
  require('claude_agent.questions').settle(event.questionId)
  self:_tell('running', self.stopping and 'Stopping' or 'Thinking')
end

function Conversation:_on_fileChanged(event)
  files.changed(event.uri)
end

function Conversation:_on_usage(event)
  self.usage = event
  vim.cmd.redrawstatus({ bang = true })
end

function Conversation:_on_notice(event)
  self:_after('notice')
  self.page:append(('_%s_'):format(event.text))
end

function Conversation:_on_ended(event)
  local run = event.run
  files.check(self.folder)
  if run.error then
    self:_fail(run.error.message, run.error.hint)
  elseif run.status == 'cancelled' then
    self:_after('end')
    self.page:append('_Stopped._')
    self:_end('Stopped')
  else
    local changed = #(run.filesChanged or {})
    self:_end(table.concat({
      'Done',
      changed > 0 and (', %d file%s changed'):format(changed, changed > 1 and 's' or '') or '',
      run.costUsd and run.costUsd > 0 and (', $%.2f'):format(run.costUsd) or '',
    }))
  end
end

function Conversation:_on_lost()
  self:_fail(
    'the server has ended.',
    'The session is kept. :ClaudeAgent ask starts the server again.'
  )
end

---@param message string
---@param hint? string
function Conversation:_fail(message, hint)
  self:_after('end')
  self.page:append(('**Failed**: %s%s'):format(message, hint and '\n' .. hint or ''))
  self:_end('Failed: ' .. message)
  if #vim.fn.win_findbuf(self.page.buf) == 0 then
    client.notify(message .. (hint and ' ' .. hint or ''), vim.log.levels.ERROR)
  end
end

---@param activity string
function Conversation:_end(activity)
  self.token, self.request, self.run_id = nil, nil, nil
  for _, block in pairs(self.calls) do -- what has been stopped
    self.page:fold(block)
  end
  self.calls = {}
  self:_tell('idle', activity)
end

--- Something else begins; tool calls stand below one another.
---@param of string
function Conversation:_after(of)
  if self.of then
    self.page:paragraph(self.of == 'tools' and of == 'tools')
  end
  self.of = of
end

return M
