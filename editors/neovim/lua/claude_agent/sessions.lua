--- The sessions of a folder: choosing one, and going on with it.

local client = require('claude_agent.client')
local conversation = require('claude_agent.conversation')

local M = {}

---@param time string ISO 8601
---@return string
local function ago(time)
  local year, month, day, hour, minute, second = time:match('^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)')
  local at = os.time({
    year = year,
    month = month,
    day = day,
    hour = hour,
    min = minute,
    sec = second,
    isdst = false,
  })
  -- Both in the same time zone, whichever that is.
  local now = os.time(vim.tbl_extend('force', os.date('!*t'), { isdst = false }))
  local seconds = math.max(0, now - at)
  for _, unit in ipairs({ { 86400, 'day' }, { 3600, 'hour' }, { 60, 'minute' } }) do
    local many = math.floor(seconds / unit[1])
    if many > 0 then
      return ('%d %s%s ago'):format(many, unit[2], many > 1 and 's' or '')
    end
  end
  return 'just now'
end

---@param session table
---@return string
local function folder_of(session)
  return vim.fn.fnamemodify(vim.uri_to_fname(session.workspace), ':~')
end

--- A session in a line.
---@param session table
---@return string
function M.describe(session)
  local marks = {}
  if session.pinned then
    table.insert(marks, 'pinned')
  end
  if session.archived then
    table.insert(marks, 'archived')
  end
  if session.running then
    table.insert(marks, 'running')
  end
  if session.interrupted then
    table.insert(marks, 'interrupted')
  end
  if session.gitBranch and session.gitBranch ~= vim.NIL and session.gitBranch ~= '' then
    table.insert(marks, session.gitBranch)
  end
  if session.elsewhere == 'gone' then
    table.insert(marks, ('from %s, which is gone'):format(folder_of(session)))
  elseif session.elsewhere == 'worktree' then
    table.insert(marks, 'in ' .. folder_of(session))
  end
  if type(session.goesAt) == 'string' then
    table.insert(marks, 'deleted on ' .. session.goesAt:sub(1, 10))
  end
  table.insert(marks, ago(session.lastModified))
  local title = session.title ~= vim.NIL and session.title or session.firstPrompt
  return ('%s%s  (%s)'):format(
    session.current and '* ' or '  ',
    type(title) == 'string' and title or session.sessionId,
    table.concat(marks, ', ')
  )
end

---@param folder string
---@param callback fun(sessions: table[], server: vim.lsp.Client, searched?: table)
---@param words? string What must have been said in them.
local function list(folder, callback, words)
  client.with(folder, function(server)
    local argument = { workspace = vim.uri_from_fname(folder) }
    if words then
      argument.search, argument.matches = words, true
    end
    client.command(server, 'session.list', argument, function(err, result)
      if err then
        client.tell(err)
      else
        callback(result.sessions, server, result.searched)
      end
    end)
  end)
end

---@param folder string
---@param server vim.lsp.Client
---@param session_id string
---@param otherwise? fun() Called if there is no such session, instead of telling so.
local function open(folder, server, session_id, otherwise)
  local there = conversation.with_session(session_id)
  local argument = { workspace = vim.uri_from_fname(folder), sessionId = session_id }
  client.command(server, 'session.select', argument, function(err)
    if err then
      local gone = otherwise and type(err.data) == 'table' and err.data.reason == 'sessionNotFound'
      if gone then
        otherwise()
      else
        client.tell(err)
      end
      return
    end
    if there then
      there:show(true)
      return
    end
    local new = conversation.new(folder, session_id)
    new:load(server, nil, function()
      new:show(true)
    end)
  end)
end

--- Goes on with the folder's current session, else with its newest one.
---@param folder string
---@param server vim.lsp.Client
local function resume_current(folder, server)
  client.command(server, 'status', {}, function(err, status)
    if err then
      client.tell(err)
      return
    end
    local uri = vim.uri_from_fname(folder)
    local here = vim.iter(status.folders):find(function(each)
      return each.uri == uri
    end)
    local id = here and here.currentSession
    if type(id) == 'string' then
      open(folder, server, id, function()
        -- The one before it was cleared, and nothing has been said in this one yet.
        (conversation.with_session(id) or conversation.new(folder, id)):show(true)
      end)
      return
    end
    list(folder, function(sessions)
      if sessions[1] then
        open(folder, server, sessions[1].sessionId)
      else
        client.notify('this folder has no sessions yet. :ClaudeAgent ask starts one.')
      end
    end)
  end)
end

--- Goes on with a session: the one named, else the folder's current or newest one.
---@param folder string
---@param session_id? string
function M.resume(folder, session_id)
  client.with(folder, function(server)
    if session_id then
      open(folder, server, session_id)
    else
      resume_current(folder, server)
    end
  end)
end

--- Lets the user choose from the sessions.
---@param folder string
function M.choose(folder)
  list(folder, function(sessions, server)
    if #sessions == 0 then
      client.notify('this folder has no sessions yet. :ClaudeAgent ask starts one.')
      return
    end
    vim.ui.select(sessions, {
      prompt = 'Sessions',
      kind = 'claude_agent_session',
      format_item = M.describe,
    }, function(session)
      if session then
        open(folder, server, session.sessionId)
      end
    end)
  end)
end

--- Lets the user choose from the sessions in which some words were said, each with its lines.
---@param folder string
---@param words string
function M.search(folder, words)
  if words:match('^%s*$') then
    client.notify('say what to search for: :ClaudeAgent search WORDS')
    return
  end
  list(folder, function(sessions, server, searched)
    local found = {}
    for _, session in ipairs(sessions) do
      local matches = type(session.matches) == 'table' and session.matches or {}
      for _, match in ipairs(#matches > 0 and matches or { false }) do
        table.insert(found, { session = session, match = match })
      end
    end
    if searched and searched.done < searched.total then
      local text = 'only %d of %d sessions have been read yet; search again for more.'
      client.notify(text:format(searched.done, searched.total))
    end
    if #found == 0 then
      client.notify(('nothing was said here with %q in it.'):format(words))
      return
    end
    vim.ui.select(found, {
      prompt = ('Sessions with %s'):format(words),
      kind = 'claude_agent_session',
      format_item = function(each)
        local title = M.describe(each.session)
        return each.match and ('%s: %s'):format(title, each.match.line) or title
      end,
    }, function(each)
      if each then
        open(folder, server, each.session.sessionId)
      end
    end)
  end, words)
end

M.open = open

--- The ids of a folder's sessions, for completion; none if no server runs.
---@param folder string
---@return string[]
function M.ids(folder)
  local server = client.running(folder)
  if not server or not server.initialized then
    return {}
  end
  local answer = server:request_sync('workspace/executeCommand', {
    command = 'claudeAgent.session.list',
    arguments = { { workspace = vim.uri_from_fname(folder) } },
  }, 1000)
  local sessions = answer and answer.result and answer.result.sessions or {}
  return vim.tbl_map(function(session)
    return session.sessionId
  end, sessions)
end

return M
