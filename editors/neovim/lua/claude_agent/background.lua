--- What the agent has left at work behind its turns: listed, followed, stopped.

local client = require('claude_agent.client')
local window = require('claude_agent.window')

local M = {}

local FOLLOW_MS = 1000

--- A task in a line.
---@param task table
---@return string
function M.describe(task)
  local seconds = math.floor(task.durationMs / 1000)
  local lasted = seconds < 60 and ('%d s'):format(seconds) or ('%d min'):format(seconds / 60)
  return ('%s  (%s, %s)'):format(task.title, task.state, lasted)
end

---@param buf integer
---@param text string What is added: the last line may go on.
local function append(buf, text)
  local follows = {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    follows[win] = vim.api.nvim_win_get_cursor(win)[1] == vim.api.nvim_buf_line_count(buf)
  end
  vim.bo[buf].modifiable = true
  local lines = vim.split(text:gsub('\r\n?', '\n'), '\n')
  local last = vim.api.nvim_buf_get_lines(buf, -2, -1, false)[1] or ''
  lines[1] = last .. lines[1]
  vim.api.nvim_buf_set_lines(buf, -2, -1, false, lines)
  vim.bo[buf].modifiable = false
  for win, at_end in pairs(follows) do
    if at_end then
      vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(buf), 0 })
    end
  end
end

--- Adds what there is behind a cursor, and goes on as long as there may be more.
---@param server vim.lsp.Client
---@param buf integer
---@param task table
---@param cursor? string
local function follow(server, buf, task, cursor)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return
  end
  local argument = { taskId = task.taskId, sessionId = task.sessionId, cursor = cursor }
  client.command(server, 'task.output', argument, function(err, answer)
    if err then
      client.tell(err)
      return
    end
    if not vim.api.nvim_buf_is_loaded(buf) then
      return
    end
    append(buf, answer.text)
    local more = type(answer.nextCursor) == 'string' and answer.nextCursor
    if more then
      vim.defer_fn(function()
        follow(server, buf, task, more)
      end, answer.text == '' and FOLLOW_MS or 0)
    end
  end)
end

---@param server vim.lsp.Client
---@param task table
local function stop(server, task)
  local argument = { taskId = task.taskId, sessionId = task.sessionId }
  client.command(server, 'task.stop', argument, function(err, answer)
    if err then
      client.tell(err)
    else
      client.notify(M.describe(answer.task))
    end
  end)
end

--- Shows what a task puts out, as long as its buffer is there.
---@param server vim.lsp.Client
---@param task table
function M.show(server, task)
  local name = 'claude-agent-task://' .. task.taskId
  local buf = vim.fn.bufnr(name)
  if buf < 0 then
    buf = vim.api.nvim_create_buf(true, true)
    vim.api.nvim_buf_set_name(buf, name)
    vim.bo[buf].bufhidden = 'wipe'
    vim.bo[buf].modifiable = false
    vim.keymap.set('n', 'x', function()
      stop(server, task)
    end, { buffer = buf, desc = 'Stop this background task' })
    follow(server, buf, task)
  end
  local win = window.open()
  vim.api.nvim_win_set_buf(win, buf)
  vim.api.nvim_set_current_win(win)
end

--- Lets the user choose a task, and what becomes of it.
---@param folder string
function M.choose(folder)
  client.with(folder, function(server)
    client.command(server, 'task.list', {}, function(err, answer)
      if err then
        client.tell(err)
        return
      end
      if #answer.tasks == 0 then
        client.notify('nothing runs in the background.')
        return
      end
      vim.ui.select(answer.tasks, {
        prompt = 'Background tasks',
        kind = 'claude_agent_task',
        format_item = M.describe,
      }, function(task)
        if task then
          M.act(server, task)
        end
      end)
    end)
  end)
end

---@param server vim.lsp.Client
---@param task table
function M.act(server, task)
  if task.state ~= 'running' then
    M.show(server, task)
    return
  end
  vim.ui.select({ 'Show its output', 'Stop it' }, { prompt = task.title }, function(_, chosen)
    if chosen == 1 then
      M.show(server, task)
    elseif chosen == 2 then
      stop(server, task)
    end
  end)
end

return M
