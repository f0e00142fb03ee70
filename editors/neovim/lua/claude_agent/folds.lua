--- Folds of a conversation: what the agent thought, what its tools were given and said.
---
--- They are made by hand when what is in them is complete. Neovim works out no 'foldexpr' while the
--- user is in Insert mode, be it in another window; and nothing of this costs time while text
--- arrives.

local api = vim.api
local NAMESPACE = api.nvim_create_namespace('claude_agent_folds')

local M = {}

---@param win integer
---@param first integer
---@param last integer
local function close(win, first, last)
  api.nvim_win_call(win, function()
    vim.cmd(('%d,%dfold'):format(first, last))
  end)
end

--- Folds lines of a buffer, in the windows that show it now or later.
---@param buf integer
---@param first integer From 1. It stays visible.
---@param last integer
function M.add(buf, first, last)
  if last <= first then
    return
  end
  api.nvim_buf_set_extmark(buf, NAMESPACE, first - 1, 0, { end_row = last - 1 })
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    close(win, first, last)
  end
end

--- Makes the folds of a window that has just come to show a buffer.
---@param win integer
function M.make(win)
  local buf = api.nvim_win_get_buf(win)
  api.nvim_win_call(win, function()
    vim.cmd('normal! zE')
  end)
  for _, mark in ipairs(api.nvim_buf_get_extmarks(buf, NAMESPACE, 0, -1, { details = true })) do
    close(win, mark[2] + 1, mark[4].end_row + 1)
  end
end

return M
