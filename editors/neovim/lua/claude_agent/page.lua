--- The buffer of a conversation: Markdown that grows at its end, and folds in it.
---
--- What is streamed is appended as it comes, not a character more or less.

local folds = require('claude_agent.folds')
local turns = require('claude_agent.turns')
local window = require('claude_agent.window')

local api = vim.api
local NAMESPACE = api.nvim_create_namespace('claude_agent')

---@class claude_agent.Block A line that stays, and lines below it that are folded once complete.
---@field mark integer
---@field lines integer How many are below.
---@field depth? integer How far what a subagent does for it is set in.
---@field inner claude_agent.Block[] Those of what a subagent does for it, below these.

---@class claude_agent.Page
---@field buf integer
---@field private growing? claude_agent.Block What is appended now is in it.
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
      window.dress(api.nvim_get_current_win())
      window.moved(api.nvim_get_current_win())
    end,
  })
  api.nvim_create_autocmd('CursorMoved', {
    buffer = buf,
    callback = function()
      window.moved(api.nvim_get_current_win())
    end,
  })
  api.nvim_create_autocmd('BufUnload', {
    buffer = buf,
    callback = function()
      -- What was in it is gone, so that it is never shown again half empty: the session has it all.
      vim.schedule(function()
        if api.nvim_buf_is_valid(buf) then
          api.nvim_buf_delete(buf, { force = true })
        end
      end)
    end,
  })
  return setmetatable({ buf = buf }, Page)
end

--- Whether what was written is still in it: Neovim unloads buffers by `:bdelete`, and at its end
--- while events still come. A line that is put into such a buffer would load it, empty.
---@return boolean
function Page:exists()
  return api.nvim_buf_is_loaded(self.buf)
end

---@param change fun()
function Page:_edit(change)
  if not self:exists() then
    return
  end
  local followers = vim.tbl_filter(window.follows, vim.fn.win_findbuf(self.buf))
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
    local last = api.nvim_buf_line_count(self.buf) - 1
    if lines[1] == '' then
      -- A change of the last line would take it out of a fold that ends with it.
      api.nvim_buf_set_lines(self.buf, -1, -1, false, vim.list_slice(lines, 2))
    else
      api.nvim_buf_set_text(self.buf, -1, -1, -1, -1, lines)
    end
    turns.look(self.buf, last, last + #lines - 1)
  end)
end

--- Strikes out what was appended last.
---@param text string
function Page:strike(text)
  if not self:exists() then
    return
  end
  local lines = vim.split(text, '\n', { plain = true })
  local last = api.nvim_buf_line_count(self.buf) - 1
  local row = math.max(0, last - #lines + 1)
  local final = api.nvim_buf_get_lines(self.buf, last, last + 1, false)[1]
  local first = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
  api.nvim_set_hl(0, 'ClaudeAgentRetracted', { default = true, strikethrough = true })
  api.nvim_buf_set_extmark(self.buf, NAMESPACE, row, math.max(0, #first - #lines[1]), {
    end_row = last,
    end_col = #final,
    hl_group = 'ClaudeAgentRetracted',
  })
end

--- What comes next begins with a line of its own, after an empty one unless it belongs `close`.
---@param close? boolean
function Page:paragraph(close)
  if not self:exists() then
    return
  end
  if self.growing then
    self.growing.lines = api.nvim_buf_line_count(self.buf) - 1 - self:_row(self.growing)
    self:fold(self.growing)
    self.growing = nil
  end
  local lines = api.nvim_buf_get_lines(self.buf, -3, -1, false)
  local final, before = lines[#lines], lines[#lines - 1]
  if close then
    self:append('\n')
  elseif final ~= '' then
    self:append('\n\n')
  elseif before and before ~= '' then
    self:append('\n')
  end
end

--- A turn begins.
---@param who string
function Page:turn(who)
  self:paragraph()
  if self:exists() then
    self:append('## ' .. who)
    local row = api.nvim_buf_line_count(self.buf) - 1
    turns.mark(self.buf, row)
    turns.look(self.buf, row, row)
  end
  self:paragraph()
end

--- A block begins; what is appended until the next paragraph is in it.
---@param title string
function Page:grow(title)
  self.growing = self:block(title, { '' })
end

--- A line that stays, and lines below it.
---@param title string
---@param body string[]
---@return claude_agent.Block?
function Page:block(title, body)
  if not self:exists() then
    return nil
  end
  local row = api.nvim_buf_line_count(self.buf) - 1
  self:append(table.concat({ title, unpack(body) }, '\n'))
  return self:_block(row, #body)
end

---@param row integer From 0.
---@param lines integer
---@return claude_agent.Block
function Page:_block(row, lines)
  local mark = api.nvim_buf_set_extmark(self.buf, NAMESPACE, row, 0, {})
  return { mark = mark, lines = lines, inner = {} }
end

--- A block below another one, wherever that is: what is appended at the end goes on as it was.
---@param parent claude_agent.Block
---@param title string
---@param body string[]
---@return claude_agent.Block?
function Page:nest(parent, title, body)
  if not self:exists() then
    return nil
  end
  local last = parent
  while #last.inner > 0 do
    last = last.inner[#last.inner]
  end
  local row = self:_row(last) + last.lines + 1
  self:_edit(function()
    api.nvim_buf_set_lines(self.buf, row, row, false, { title, unpack(body) })
    turns.look(self.buf, row, row + #body)
  end)
  local block = self:_block(row, #body)
  table.insert(parent.inner, block)
  return block
end

---@param block claude_agent.Block
---@return integer # From 0.
function Page:_row(block)
  return api.nvim_buf_get_extmark_by_id(self.buf, NAMESPACE, block.mark, {})[1]
end

--- Adds to the line that stays and to what is below it.
---@param block claude_agent.Block
---@param suffix string
---@param body string[]
function Page:extend(block, suffix, body)
  self:_edit(function()
    local row = self:_row(block)
    local below = row + 1 + block.lines
    api.nvim_buf_set_lines(self.buf, below, below, false, body)
    turns.look(self.buf, below, below + #body - 1)
    block.lines = block.lines + #body
    local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
    api.nvim_buf_set_text(self.buf, row, #line, row, #line, { suffix })
  end)
end

--- What is below the line is complete.
---@param block claude_agent.Block
function Page:fold(block)
  if self:exists() then
    local first = self:_row(block) + 1
    folds.add(self.buf, first, first + block.lines)
    vim.tbl_map(window.fill, vim.tbl_filter(window.follows, vim.fn.win_findbuf(self.buf)))
  end
end

--- Brings a block to the upper half of the windows that follow, or to their top if it is longer.
---@param block claude_agent.Block
function Page:reveal(block)
  if not self:exists() then
    return
  end
  for _, win in ipairs(vim.tbl_filter(window.follows, vim.fn.win_findbuf(self.buf))) do
    api.nvim_win_call(win, function()
      local first = self:_row(block) + 1
      local above = math.floor(api.nvim_win_get_height(win) / 2) - block.lines - 1
      vim.fn.winrestview({ topline = math.max(1, first - math.max(0, above)) })
    end)
  end
end

--- Puts what was said earlier before all that is here.
---@param lines string[]
---@param blocks [integer, integer][] The first and last lines of what is to be folded.
---@param headings integer[] Which lines are the headings of turns, from 1.
function Page:prepend(lines, blocks, headings)
  self:_edit(function()
    api.nvim_buf_set_lines(self.buf, 0, 0, false, lines)
    for _, line in ipairs(headings) do
      turns.mark(self.buf, line - 1)
    end
    turns.look(self.buf, 0, #lines - 1)
  end)
  for _, block in ipairs(self:exists() and blocks or {}) do
    folds.add(self.buf, block[1], block[2])
  end
end

return M
