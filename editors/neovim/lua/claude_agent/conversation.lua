--- A conversation: a session of the agent, its page, and the run that is at work in it.

local client = require('claude_agent.client')
local events = require('claude_agent.events')
local history = require('claude_agent.history')
local pages = require('claude_agent.page')
local run_events = require('claude_agent.run_events')
local watching = require('claude_agent.watching')
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
---@field queue table[] What waits for the run at work.
---@field server? vim.lsp.Client
---@field private request? integer
---@field run_id? string Of a run that was not asked for here.
---@field held_by? string The editor in which it is at work, if that is another one.
---@field watched? claude_agent.Watched
---@field private token? string
---@field asked table<string, string> The titles of the questions that are open, by their ids.
---@field calls table<string, claude_agent.Block> Those without a result.
---@field nests table<string, claude_agent.Block> All of the run, with subagents' work below.
---@field last_call? claude_agent.Block
---@field of? string What is written now: a message's id, or a kind.
---@field stopping? boolean
local Conversation = {}
Conversation.__index = Conversation

local M = {}

---@type claude_agent.Conversation[] the newest last
local all = {}
---@type table<string, claude_agent.Conversation> by folder
local current = {}
local count = 0
---@type fun(talk: claude_agent.Conversation)? What shows the next run that a code action begins.
local expected

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
    queue = {},
    asked = {},
    calls = {},
    nests = {},
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
function Conversation:tell(state, activity)
  self.state, self.activity = state, activity
  vim.cmd.redrawstatus({ bang = true })
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'ClaudeAgentStatus',
    modeline = false,
    data = { buf = self.page.buf, state = state, activity = activity },
  })
end

--- A run goes on. As long as a question is open, it waits, whatever else goes on in it.
---@param activity string
function Conversation:goes_on(activity)
  local _, question = next(self.asked)
  if question then
    self:tell('waiting', 'Waiting for you: ' .. question)
  else
    self:tell('running', self.stopping and 'Stopping' or activity)
  end
end

--- Shows what was said in this session earlier, before what is here.
---@param server vim.lsp.Client
---@param but? string The prompt that has just been sent.
---@param callback? fun(session: table?)
function Conversation:load(server, but, callback)
  history.read(server, self.session, function(session, messages)
    if but then
      history.cut(messages, but)
    end
    watching.begin(self, server, function(watched)
      watching.cut(messages, not but and watched or nil)
      self:_fill(messages)
      if callback then
        callback(session)
      end
    end)
    client.command(server, 'queue.list', { sessionId = self.session }, function(_, answer)
      self.queue = answer and answer.queue or self.queue
      vim.cmd.redrawstatus({ bang = true })
    end)
  end)
end

---@param messages table[]
function Conversation:_fill(messages)
  if #messages > 0 then
    self.page:prepend(history.render(messages, self.folder))
  end
end

--- Asks the agent.
---@param prompt string
---@param shown string As the user wrote it.
---@param context? table
---@param place? string
---@param how? 'queue'|'steer'|'stop' What becomes of it while a run is at work: it waits, goes into
--- its turn, or takes its place.
function Conversation:ask(prompt, shown, context, place, how)
  shown = shown .. (place and ('\n\n> ' .. place) or '')
  local argument = {
    prompt = prompt,
    workspace = vim.uri_from_fname(self.folder),
    session = self.session,
    context = context,
    permissionMode = self.mode,
    wait = true,
    ifBusy = how == 'steer' and how or 'queue',
  }
  if self.state ~= 'idle' then
    -- The session that the run before it begins is the last one by then.
    argument.session = self.session == 'new' and 'last' or self.session
    self:_wait(argument, shown, how == 'stop')
    return
  end
  self:_begin(shown)
  self:tell('starting', 'Starting')

  client.with(self.folder, function(server)
    if self.stopping then
      self:finish('Stopped')
      return
    end
    self.server = server
    self.token = events.listen(server.id, function(event)
      self:_on(event, prompt)
    end)
    local token = self.token
    argument.partialResultToken = token
    self.request = client.command(server, 'query', argument, function(err)
      if err and self.token == token then -- it never started
        events.forget(token)
        self:fail(err.message, type(err.data) == 'table' and err.data.hint or nil)
      end
    end)
  end, function(message)
    self:fail(message)
  end)
end

--- Asks behind the run at work; it is shown when its turn has come.
---@param argument table
---@param shown string
---@param instead boolean Whether the run at work is stopped for it.
function Conversation:_wait(argument, shown, instead)
  client.with(self.folder, function(server)
    local token, request, begun
    token = events.listen(server.id, function(event)
      local run = event.run
      if event.kind == 'queued' and instead then
        self:stop()
        -- Before all that waits. If its turn has just come, it waits no more.
        client.command(server, 'queue.sendNow', { runId = run.runId }, function() end)
      end
      local failed = event.kind == 'ended' and run.error and not run.steeredInto
      if not begun and (event.kind == 'started' or failed) then
        begun = true
        self:_begin(run.prompt and run.prompt ~= argument.prompt and run.prompt or shown)
        self.server, self.token, self.request = server, token, request
      end
      if begun then
        self:_on(event, argument.prompt)
      end
    end)
    argument.partialResultToken = token
    request = client.command(server, 'query', argument, function(err)
      if err and events.forget(token) then -- it never waited
        client.tell(err)
      end
    end)
  end)
end

--- A prompt is asked, and its answer begins.
---@param shown string
function Conversation:_begin(shown)
  self.page:turn('You')
  self.page:append(shown)
  self.page:turn('Claude')
  self.of, self.calls, self.nests, self.last_call = nil, {}, {}, nil
  self.usage, self.stopping = nil, false
end

--- Has the next run shown that a code action begins, whatever its session is.
---@param show fun(talk: claude_agent.Conversation)?
function M.expect(show)
  expected = show
end

--- A run has begun or ended. One that nobody has asked for here is shown where its session is: the
--- agent has begun it by itself, or its prompt has waited since a server before this one.
---@param run table
---@param client_id integer
function M.on_run(run, client_id)
  local unasked = run.status == 'running' and (run.cause or run.prompt or run.heldBy)
  local server = vim.lsp.get_client_by_id(client_id)
  if not (unasked and server) then
    return
  end
  local talk = M.with_session(run.sessionId)
  if expected and run.prompt and not run.heldBy then
    if not talk then
      talk = M.new(vim.uri_to_fname(run.workspace), run.sessionId)
      talk:load(server, run.prompt)
    end
    expected(talk)
    expected = nil
  end
  if talk and talk.state == 'idle' then
    talk:_follow(run, server)
  end
end

--- Shows a run that nobody has asked for here.
---@param run table
---@param server vim.lsp.Client
function Conversation:_follow(run, server)
  if run.prompt then
    self:_begin(run.prompt)
  else
    self.page:turn('Claude')
    self.page:append(('_%s_'):format(run.cause or 'At work in another editor.'))
    self.of, self.calls, self.nests, self.last_call = 'notice', {}, {}, nil
    self.usage, self.stopping = nil, false
  end
  self.server, self.run_id, self.held_by = server, run.runId, run.heldBy
  self.token = events.listen(server.id, function(event)
    self:_on(event, '')
  end, run.runId)
  local place = run.heldBy and ('At work in %s'):format(run.heldBy)
  self:tell('running', run.cause or place or 'Thinking')
end

--- Stops the run. What was said so far stays, here and in the session.
---@return boolean # Whether there was one.
function Conversation:stop()
  if self.state == 'idle' then
    return false
  elseif self.held_by then
    client.notify(
      ('it is at work in %s. :ClaudeAgent takeover stops it there.'):format(self.held_by)
    )
    return true
  end
  self.stopping = true
  self:tell(self.state, 'Stopping')
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
      self:finish('Stopped')
    end
  end, 250)
end

---@param event table
---@param prompt string
function Conversation:_on(event, prompt)
  local handle = run_events[event.kind]
  if handle then
    handle(self, event, prompt)
  end
end

---@param message string
---@param hint? string
function Conversation:fail(message, hint)
  self:after('end')
  self.page:append(history.failure(message, hint))
  self:finish('Failed: ' .. message)
  if #vim.fn.win_findbuf(self.page.buf) == 0 then
    client.notify(message .. (hint and ' ' .. hint or ''), vim.log.levels.ERROR)
  end
end

---@param activity string
function Conversation:finish(activity)
  self.token, self.request, self.run_id, self.held_by = nil, nil, nil, nil
  for _, block in pairs(self.calls) do -- what has been stopped
    self.page:fold(block)
  end
  self.calls, self.asked = {}, {}
  self:tell('idle', activity)
end

--- Something else begins; tool calls stand below one another.
---@param of string
function Conversation:after(of)
  if self.of then
    self.page:paragraph(self.of == 'tools' and of == 'tools')
  end
  self.of = of
end

return M
