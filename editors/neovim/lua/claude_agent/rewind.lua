--- Files put back as they were before a prompt, and forward again: shown first, done after a yes.

local client = require('claude_agent.client')

local M = {}

local PAGE = 1000
local TITLE = 60

--- Shows what would be done, in a window of its own; returns what closes it.
---@param seen table
---@return fun()
local function show(seen)
  local lines = {}
  for _, each in ipairs(seen.kept or {}) do
    local path = vim.uri_to_fname(each.uri)
    table.insert(lines, ('# stays as it is: %s (%s)'):format(path, each.reason))
  end
  for _, reason in ipairs(seen.unseen or {}) do
    table.insert(lines, ('# not known, what commands have changed: %s'):format(reason))
  end
  for _, file in ipairs(seen.files) do
    if file.merged then
      local path = vim.uri_to_fname(file.uri)
      table.insert(lines, ('# what was changed since stays: %s'):format(path))
    end
    vim.list_extend(lines, vim.split(vim.trim(file.diff), '\n'))
    if file.truncated then
      table.insert(lines, '# …')
    end
  end
  vim.cmd('botright new')
  local buf, win = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
  vim.bo[buf].buftype = 'nofile'
  vim.bo[buf].bufhidden = 'wipe'
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].filetype = 'diff'
  vim.bo[buf].modifiable = false
  vim.cmd.redraw()
  return function()
    if vim.api.nvim_win_is_valid(win) then
      vim.api.nvim_win_close(win, true)
    end
  end
end

---@param count integer
---@return string
local function files(count)
  return ('%d file%s'):format(count, count == 1 and '' or 's')
end

--- Shows what a command would do to files, and has it done if the user wants it.
---@param server vim.lsp.Client
---@param folder string
---@param command 'session.rewind'|'session.redo'
---@param argument table
---@param done string
local function ask(server, folder, command, argument, done)
  local function asked(preview, callback)
    local more = preview and { preview = true } or { keepConflicts = true }
    client.command(server, command, vim.tbl_extend('force', argument, more), function(err, result)
      if err then
        client.tell(err)
      else
        callback(result)
      end
    end)
  end
  asked(true, function(seen)
    if #seen.filesChanged == 0 and not seen.kept then
      client.notify('there is nothing to put back.')
      return
    end
    local close = show(seen)
    local yes = ('Change %s'):format(files(#seen.filesChanged))
    vim.ui.select({ yes, 'Cancel' }, { prompt = 'As shown:' }, function(choice)
      close()
      if choice ~= yes then
        return
      end
      asked(false, function(result)
        require('claude_agent.files').check(folder)
        local kept = result.kept and (', %s left alone'):format(files(#result.kept)) or ''
        client.notify(('%s %s%s.'):format(files(#result.filesChanged), done, kept))
      end)
    end)
  end)
end

---@param server vim.lsp.Client
---@param session_id string
---@param callback fun(prompts: table[]) The newest first.
local function prompts(server, session_id, callback)
  local found = {}
  local function read(cursor)
    local argument = { sessionId = session_id, limit = PAGE, cursor = cursor }
    client.command(server, 'session.read', argument, function(err, result)
      if err then
        client.tell(err)
        return
      end
      for _, message in ipairs(result.messages) do
        if message.role == 'user' and not message.kind and not message.parentToolCallId then
          table.insert(found, 1, message)
        end
      end
      if type(result.nextCursor) == 'string' then
        read(result.nextCursor)
      else
        callback(found)
      end
    end)
  end
  read(nil)
end

--- Lets the user choose a prompt, and puts the files back as they were before it.
---@param server vim.lsp.Client
---@param folder string
---@param session_id string
function M.rewind(server, folder, session_id)
  prompts(server, session_id, function(found)
    local choose = {
      prompt = 'Put files back as they were before:',
      format_item = function(message)
        return vim.fn.strcharpart(vim.split(message.text, '\n')[1], 0, TITLE)
      end,
    }
    vim.ui.select(found, choose, function(message)
      if message then
        local argument = { sessionId = session_id, messageId = message.messageId }
        ask(server, folder, 'session.rewind', argument, 'put back. :ClaudeAgent redo undoes it')
      end
    end)
  end)
end

--- Takes the last rewind back.
---@param server vim.lsp.Client
---@param folder string
---@param session_id string
function M.redo(server, folder, session_id)
  ask(server, folder, 'session.redo', { sessionId = session_id }, 'as before the rewind')
end

return M
