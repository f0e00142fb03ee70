--- Whose words stand where: the headings of the turns on a page.
---
--- They are told from what looks like one in somebody's words by marks, and not by their text: that
--- is as it came. What looks like one says so behind it.

local api = vim.api
local TURNS = api.nvim_create_namespace('claude_agent_turns')
local FORGED = api.nvim_create_namespace('claude_agent_forged')

local M = {}

local SAID = '  (words of the text)'

--- A line is the heading of a turn.
---@param buf integer
---@param row integer From 0.
function M.mark(buf, row)
  api.nvim_set_hl(0, 'ClaudeAgentTurn', { default = true, link = 'Title' })
  api.nvim_buf_set_extmark(buf, TURNS, row, 0, {
    line_hl_group = 'ClaudeAgentTurn',
    undo_restore = false,
  })
end

---@param buf integer
---@param namespace integer
---@return integer[]
local function rows(buf, namespace)
  return vim.tbl_map(function(mark)
    return mark[2]
  end, api.nvim_buf_get_extmarks(buf, namespace, 0, -1, {}))
end

--- The lines of the headings, from 0.
---@param buf integer
---@return integer[]
function M.rows(buf)
  return rows(buf, TURNS)
end

--- The lines that look like one, from 0.
---@param buf integer
---@return integer[]
function M.forged(buf)
  return rows(buf, FORGED)
end

--- Looks for what looks like a heading in lines that have just changed.
---@param buf integer
---@param first integer From 0.
---@param last integer From 0, inclusive.
function M.look(buf, first, last)
  api.nvim_buf_clear_namespace(buf, FORGED, first, last + 1)
  for at, line in ipairs(api.nvim_buf_get_lines(buf, first, last + 1, false)) do
    local who = line:match('^%s*#+%s*(%a+)[%s:#]*$')
    local row = first + at - 1
    if
      (who == 'You' or who == 'Claude')
      and #api.nvim_buf_get_extmarks(buf, TURNS, { row, 0 }, { row, -1 }, {}) == 0
    then
      api.nvim_buf_set_extmark(buf, FORGED, row, 0, {
        virt_text = { { SAID, 'WarningMsg' } },
        virt_text_pos = 'eol',
      })
    end
  end
end

--- Goes to the next heading, or the one before.
---@param step 1|-1
function M.go(step)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = M.rows(api.nvim_get_current_buf())
  local target
  for _, each in ipairs(found) do
    if step > 0 and each > row then
      target = each
      break
    elseif step < 0 and each < row then
      target = each
    end
  end
  if target then
    vim.cmd("normal! m'")
    api.nvim_win_set_cursor(0, { target + 1, 0 })
  end
end

return M
