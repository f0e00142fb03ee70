--- What goes on, in a line: for the user's 'statusline', and above a conversation.

local conversation = require('claude_agent.conversation')

local M = {}

local SIGNS = { idle = '', starting = '● ', running = '● ', waiting = '? ' }

---@param usage table
---@return string
local function full(usage)
  return ('%dk/%dk tokens'):format(
    math.ceil(usage.contextTokens / 1000),
    math.floor(usage.contextWindow / 1000)
  )
end

---@param buf integer
---@return string[]
local function parts(buf)
  local current = conversation.of(buf)
  local waits = current and require('claude_agent.queue').brief(current.queue)
  -- First, as what goes on may be longer than the line.
  local found = { waits }
  if not current or current.activity == '' then
    return found
  end
  table.insert(found, SIGNS[current.state] .. current.activity)
  if current.usage then
    table.insert(found, full(current.usage))
  end
  return found
end

--- For 'statusline' or a plugin that makes it: empty until the agent has been asked.
---@return string
function M.line()
  local found = parts(vim.api.nvim_get_current_buf())
  return found[1] and 'Claude: ' .. table.concat(found, ' · ') or ''
end

--- Above a conversation.
---@return string
function M.bar()
  local buf = vim.api.nvim_get_current_buf()
  local current = conversation.of(buf)
  local found = parts(buf)
  local at_work = current and current.state ~= 'idle'
  local held_by = at_work and current.held_by
  local how = at_work and '<C-c> stops' or '<CR> asks'
  table.insert(found, held_by and 'in ' .. held_by or how)
  return table.concat(found, ' · ')
end

return M
