--- The files that the agent names and changes, and the user's buffers of them.

local buffers = require('claude_agent.buffers')
local client = require('claude_agent.client')

local M = {}

---@param buf integer
---@return boolean
local function is_file(buf)
  return vim.api.nvim_buf_is_loaded(buf)
    and vim.bo[buf].buftype == ''
    and vim.api.nvim_buf_get_name(buf) ~= ''
end

--- Reads a buffer anew if its file has changed. What the user has not saved is never touched.
---@param buf integer
---@return boolean # Whether it was left alone for its changes.
local function reload(buf)
  if vim.bo[buf].modified then
    return true
  end
  local autoread = vim.api.nvim_get_option_value('autoread', { buf = buf })
  vim.bo[buf].autoread = true
  pcall(vim.cmd.checktime, buf)
  vim.bo[buf].autoread = autoread
  return false
end

--- The agent has changed a file, on the disk or in its buffer.
---@param uri string
function M.changed(uri)
  local path = vim.uri_to_fname(uri)
  local buf = vim.fn.bufnr(vim.fn.fnameescape(path))
  buf = buf ~= -1 and buf or vim.uri_to_bufnr(uri)
  if is_file(buf) and not buffers.is_as_seen(buf) and reload(buf) then
    client.notify(
      ('%s was changed on disk, but its buffer has unsaved changes.'):format(
        vim.fn.fnamemodify(path, ':~:.')
      ),
      vim.log.levels.WARN
    )
  end
end

--- The agent is done; its tools may have changed any file of the folder.
---@param folder string
function M.check(folder)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if is_file(buf) and vim.fs.relpath(folder, vim.api.nvim_buf_get_name(buf)) then
      reload(buf)
    end
  end
end

--- What the words around a column name: "src/app.py:12" is that file and its line.
---@param line string
---@param column integer From 1.
---@param folder string
---@return string? path
---@return integer? line
function M.named(line, column, folder)
  local from = 1
  while true do
    local first, last, word = line:find('([^%s`\'"()%[%]<>,;]+)', from)
    if not first then
      return nil
    end
    if column <= last then
      local name, number = word:match('^(.-):(%d+)')
      name = (name or word):gsub('[.:!?]+$', '')
      local path = vim.fs.normalize(vim.fs.joinpath(folder, name))
      if name:match('^[/~]') then
        path = vim.fs.normalize(name)
      end
      if vim.uv.fs_stat(path) then
        return path, tonumber(number)
      end
      return nil
    end
    from = last + 1
  end
end

--- Opens it beside the conversation.
function M.open_under_cursor()
  local buf = vim.api.nvim_get_current_buf()
  local line, column = vim.api.nvim_get_current_line(), vim.fn.col('.')
  local path, number = M.named(line, column, client.folder(buf))
  if not path then
    client.notify('there is no file under the cursor.', vim.log.levels.WARN)
    return
  end
  local conversation = vim.api.nvim_get_current_win()
  vim.cmd.wincmd('p')
  if vim.api.nvim_get_current_win() == conversation or vim.bo.buftype ~= '' then
    vim.cmd('topleft vertical split')
  end
  vim.cmd.edit(vim.fn.fnameescape(path))
  if number then
    pcall(vim.api.nvim_win_set_cursor, 0, { number, 0 })
  end
end

return M
