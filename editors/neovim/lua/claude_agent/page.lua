--- The buffer of a conversation: Markdown that grows at its end, and folds in it.
---
--- What is streamed is appended as it comes, not a character more or less. A window follows only
--- while its cursor is at the very end; wherever else it is, nothing moves.

local folds = require('claude_agent.folds')

local api = vim.api
local NAMESPACE = api.nvim_create_namespace('claude_agent')

---@class claude_agent.Block A tool call: a line that stays, and lines that are folded below it.
---@field mark integer
---@field lines integer How many are below.

---@class claude_agent.Page
---@field buf integer
---@field private level string? Of the lines that are appended now.
local Page = {}
Page.__index = Page

local M = {}

---@param name string
---@param folder string
---@return claude_agent.Page
function M.new(name, folder)
  local buf = api.nvim_create_buf(false, true)
  vim.b[buf].claude_agent_folder = folder
  api.nvim_buf_set_name(buf, name)
  local bo = vim.bo[buf]
  bo.bufhidden = 'hide'
  bo.undolevels = -1
  bo.modifiable = false
  -- `gf`, `:find` and completion of file names see the folder that the agent works in.
  bo.path = folder .. ',' .. folder .. '/**'
  bo.filetype = 'claude_agent'
  api.nvim_create_autocmd('BufWinEnter', {
    buffer = buf,
    callback = function()
      require('claude_agent.window').dress(api.nvim_get_current_win())
    end,
  })
  api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    callback = function()
      folds.forget(buf)
    end,
  })
  return setmetatable({ buf = buf }, Page)
end

---@return boolean
function Page:exists()
  return api.nvim_buf_is_valid(self.buf)
end

--- The windows whose cursor is at the end of the text.
---@return integer[]
function Page:_followers()
  local wins = vim.fn.win_findbuf(self.buf)
  if #wins == 0 then
    return wins
  end
  local count = api.nvim_buf_line_count(self.buf)
  return vim.tbl_filter(function(win)
    local cursor = api.nvim_win_get_cursor(win)
    if cursor[1] < count then
      return false
    end
    -- The last character may have several bytes; the cursor stands on the first of them.
    local rest = api.nvim_buf_get_text(self.buf, count - 1, cursor[2], count - 1, -1, {})[1]
    return vim.fn.strchars(rest) <= 1
  end, wins)
end

---@param change fun()
function Page:_edit(change)
  if not self:exists() then
    return
  end
  local followers = self:_followers()
  vim.bo[self.buf].modifiable = true
  change()
  vim.bo[self.buf].modifiable = false
  for _, win in ipairs(followers) do
    api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(self.buf), vim.v.maxcol })
  end
end

--- Appends text as it is.
---@param text string
function Page:append(text)
  self:_edit(function()
    local lines = vim.split(text, '\n', { plain = true })
    if #lines > 1 then
      folds.added(self.buf, api.nvim_buf_line_count(self.buf) + 1, #lines - 1, self.level)
    end
    api.nvim_buf_set_text(self.buf, -1, -1, -1, -1, lines)
  end)
end

--- What comes next begins with a line of its own, after an empty one unless it is `close`.
---@param close? boolean
function Page:paragraph(close)
  if not self:exists() then
    return
  end
  self.level = nil
  local lines = api.nvim_buf_get_lines(self.buf, -3, -1, false)
  local final, before = lines[#lines], lines[#lines - 1]
  if final == '' and (close or not before or before == '') then
    return
  end
  self:append((close or final == '') and '\n' or '\n\n')
end

--- A turn begins.
---@param who string
function Page:turn(who)
  self:paragraph()
  self:append('## ' .. who)
  self:paragraph()
end

--- A fold begins, with a line that stays; what is appended until the next paragraph is in it.
---@param title string
function Page:fold(title)
  self:append(title)
  folds.set(self.buf, { [api.nvim_buf_line_count(self.buf)] = '>1' })
  self.level = '1'
  self:append('\n')
end

--- A line that stays, and what can be unfolded below it.
---@param title string
---@param body string[]
---@return claude_agent.Block?
function Page:block(title, body)
  if not self:exists() then
    return nil
  end
  self:append(title)
  local row = api.nvim_buf_line_count(self.buf) - 1
  folds.set(self.buf, { [row + 1] = '>1' })
  local mark = api.nvim_buf_set_extmark(self.buf, NAMESPACE, row, 0, {})
  self.level = '1'
  if #body > 0 then
    self:append('\n' .. table.concat(body, '\n'))
  end
  self.level = nil
  self:append('\n')
  return { mark = mark, lines = #body }
end

--- Adds lines to what is folded, and to the line that stays.
---@param block claude_agent.Block
---@param suffix string
---@param body string[]
function Page:extend(block, suffix, body)
  self:_edit(function()
    local row = api.nvim_buf_get_extmark_by_id(self.buf, NAMESPACE, block.mark, {})[1]
    if not row then
      return
    end
    local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
    api.nvim_buf_set_text(self.buf, row, #line, row, #line, { suffix })
    local below = row + 1 + block.lines
    if #body > 0 then
      folds.added(self.buf, below + 1, #body, '1')
      api.nvim_buf_set_lines(self.buf, below, below, false, body)
    end
    block.lines = block.lines + #body
  end)
end

--- Puts what was said earlier before all that is here.
---@param lines string[]
---@param levels table<integer, string> Of these lines, as 'foldexpr' has them.
function Page:prepend(lines, levels)
  self:_edit(function()
    folds.added(self.buf, 1, #lines)
    folds.set(self.buf, levels)
    api.nvim_buf_set_lines(self.buf, 0, 0, false, lines)
  end)
end

return M
