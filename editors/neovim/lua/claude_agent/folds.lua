--- Folds of a conversation: what the agent thought, what its tools were given and said.

local M = {}

---@type table<integer, table<integer, string>> by buffer and line
local levels = {}
---@type table<integer, integer> by buffer, the last line that is in a fold
local last = {}

--- 'foldexpr' of a conversation's buffer.
---@param lnum integer
---@return string
function M.level(lnum)
  local lines = levels[vim.api.nvim_get_current_buf()]
  return lines and lines[lnum] or '0'
end

--- Lines have been added to a buffer, at `first`.
---@param buf integer
---@param first integer From 1.
---@param count integer
---@param level? string Of each of them; "1" belongs to the fold that begins above.
function M.added(buf, first, count, level)
  local lines = levels[buf] or {}
  levels[buf] = lines
  for lnum = last[buf] or 0, first, -1 do
    lines[lnum + count], lines[lnum] = lines[lnum], nil
  end
  if (last[buf] or 0) >= first then
    last[buf] = last[buf] + count
  end
  if level then
    for lnum = first, first + count - 1 do
      lines[lnum] = level
    end
    last[buf] = math.max(last[buf] or 0, first + count - 1)
  end
end

--- Sets the levels of lines.
---@param buf integer
---@param of table<integer, string>
function M.set(buf, of)
  local lines = levels[buf] or {}
  levels[buf] = lines
  for lnum, level in pairs(of) do
    lines[lnum] = level
    last[buf] = math.max(last[buf] or 0, lnum)
  end
end

---@param buf integer
function M.forget(buf)
  levels[buf], last[buf] = nil, nil
end

return M
