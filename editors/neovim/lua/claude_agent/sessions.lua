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

--- A session in a line.
---@param session table
---@return string
function M.describe(session)
  local marks = {}
  if session.running then
    table.insert(marks, 'running')
  end
  if session.interrupted then
    table.insert(marks, 'interrupted')
  end
  if session.gitBranch and session.gitBranch ~= vim.NIL and session.gitBranch ~= '' then
    table.insert(marks, session.gitBranch)
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
---@param callback fun(sessions: table[], server: vim.lsp.Client)
local function list(folder, callback)
  client.with(folder, function(server)
    client.command(
      server,
      'session.list',
      { workspace = vim.uri_from_fname(folder) },
      function(err, result)
        if err then
          client.tell(err)
        else
          callback(result.sessions, server)
        end
      end
    )
  end)
end

---@param folder string
---@param server vim.lsp.Client
---@param session_id string
local function open(folder, server, session_id)
  local there = conversation.with_session(session_id)
  local argument = { workspace = vim.uri_from_fname(folder), sessionId = session_id }
  client.command(server, 'session.select', argument, function(err)
    if err then
      client.tell(err)
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

--- Goes on with a session: the one named, else the folder's current or newest one.
---@param folder string
---@param session_id? string
function M.resume(folder, session_id)
  if session_id then
    client.with(folder, function(server)
      open(folder, server, session_id)
    end)
    return
  end
  list(folder, function(sessions, server)
    local latest = vim.iter(sessions):find(function(each)
      return each.current
    end) or sessions[1]
    if latest then
      open(folder, server, latest.sessionId)
    else
      client.notify('this folder has no sessions yet. :ClaudeAgent ask starts one.')
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
