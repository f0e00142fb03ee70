--- The window of a conversation.

local config = require('claude_agent.config')

local api = vim.api
local M = {}

--- Gives a window that shows a conversation its options, for as long as it shows it.
---@param win integer
function M.dress(win)
  local wo = vim.wo[win][0]
  wo.wrap = true
  wo.linebreak = true
  wo.number = false
  wo.relativenumber = false
  wo.signcolumn = 'no'
  wo.spell = false
  wo.list = false
  wo.conceallevel = 0
  wo.foldmethod = 'expr'
  wo.foldexpr = "v:lua.require'claude_agent.folds'.level(v:lnum)"
  wo.foldtext = ''
  wo.foldlevel = 0
  wo.foldenable = true
  wo.fillchars = table.concat({ vim.o.fillchars, 'fold: ' }, vim.o.fillchars ~= '' and ',' or '')
  wo.winbar = " %{v:lua.require'claude_agent.status'.bar()}%<"
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
