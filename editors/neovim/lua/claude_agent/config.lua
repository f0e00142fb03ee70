--- What the user has set: `vim.g.claude_agent`, a table, or what `setup()` was given.

local M = {}

---@class claude_agent.Config
---@field open string The command that makes the window of the conversation.
---@field focus boolean Whether the cursor goes there when you ask.
---@field history boolean Whether a conversation that goes on shows what was said before.
local defaults = {
  open = 'botright vertical split',
  focus = false,
  history = true,
}

---@return claude_agent.Config
function M.get()
  return vim.tbl_extend('force', defaults, vim.g.claude_agent or {})
end

return M
