--- The window of a conversation.

local config = require('claude_agent.config')
local folds = require('claude_agent.folds')

local api = vim.api
local M = {}

--- Gives a window that shows a conversation its options, for as long as it shows it.
---@param win integer
function M.dress(win)
  local wo = vim.wo[win][0]
  wo.wrap = true
  wo.linebreak = true
  -- Of a line that is longer than the window is high, its end is to be in sight.
  wo.smoothscroll = true
  wo.number = false
  wo.relativenumber = false
  wo.signcolumn = 'no'
  wo.spell = false
  wo.list = false
  wo.conceallevel = 0
  wo.foldmethod = 'manual'
  wo.foldtext = ''
  wo.foldenable = true
  wo.fillchars = table.concat({ vim.o.fillchars, 'fold: ' }, vim.o.fillchars ~= '' and ',' or '')
  wo.winbar = " %{v:lua.require'claude_agent.status'.bar()}%<"
  folds.make(win)
end

--- The user has moved the cursor of a window. It follows what is added while it is at the end: it
--- has come to the last line (`G`), and has not gone back in it.
---@param win integer
function M.moved(win)
  local buf = api.nvim_win_get_buf(win)
  local row, column = unpack(api.nvim_win_get_cursor(win))
  local final = api.nvim_buf_line_count(buf)
  local came = vim.w[win].claude_agent_row ~= row
  local at_end = function()
    -- The last character may have several bytes; the cursor stands on the first of them.
    local rest = api.nvim_buf_get_text(buf, row - 1, column, row - 1, -1, {})[1]
    return vim.fn.strchars(rest) <= 1
  end
  vim.w[win].claude_agent_row = row
  vim.w[win].claude_agent_follows = row == final and (came or at_end())
end

---@param win integer
---@return boolean
function M.follows(win)
  return vim.w[win].claude_agent_follows ~= false
end

--- Something above the end of a window that follows has become shorter: what is before it fills it.
---@param win integer
function M.fill(win)
  api.nvim_win_call(win, function()
    vim.cmd('normal! zb')
  end)
end

--- Shows a buffer, in the window that has it or in a new one.
---@param buf integer
---@param focus boolean
function M.show(buf, focus)
  local win = vim.iter(api.nvim_tabpage_list_wins(0)):find(function(each)
    return api.nvim_win_get_buf(each) == buf
  end)
  if not win then
    win = M.replaced() or M.open()
    api.nvim_win_set_buf(win, buf)
    M.dress(win)
    api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(buf), vim.v.maxcol })
    -- Whatever the user has done with what it showed before.
    vim.w[win].claude_agent_row = api.nvim_buf_line_count(buf)
    vim.w[win].claude_agent_follows = true
  end
  if focus then
    api.nvim_set_current_win(win)
  end
end

--- A window of this tab page that shows another conversation.
---@return integer?
function M.replaced()
  return vim.iter(api.nvim_tabpage_list_wins(0)):find(function(win)
    return vim.bo[api.nvim_win_get_buf(win)].filetype == 'claude_agent'
  end)
end

--- Makes a window and leaves the cursor where it is.
---@return integer
function M.open()
  local before = api.nvim_get_current_win()
  vim.cmd(config.get().open)
  local win = api.nvim_get_current_win()
  if before ~= win then
    api.nvim_set_current_win(before)
  end
  return win
end

return M
