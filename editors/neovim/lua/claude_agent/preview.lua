--- A question in sight, beside what the user does: its window is never entered.

local api = vim.api
local M = {}

local HINT = 'Rest in Normal mode to answer,\nor use :ClaudeAgent answer.'
local WIDEST = 80

--- Breaks lines to a width; a long text keeps both its ends.
---@param text string
---@param width integer
---@param height integer
---@return string[]
local function fitted(text, width, height)
  local lines = {}
  for _, line in ipairs(vim.split(text, '\n')) do
    repeat
      -- A character may take two columns, or be a mark on the one before.
      local part = vim.fn.strcharpart(line, 0, width)
      while vim.fn.strdisplaywidth(part) > width do
        part = vim.fn.strcharpart(part, 0, vim.fn.strchars(part) - 1)
      end
      table.insert(lines, part)
      line = line:sub(#part + 1)
    until line == ''
  end
  if #lines > height then
    local before = math.floor((height - 1) / 2)
    local below = vim.list_slice(lines, #lines - (height - 1 - before) + 1)
    lines = vim.list_extend(vim.list_slice(lines, 1, before), { '…', unpack(below) })
  end
  return lines
end

--- Shows a text in a corner, and returns what closes it.
---@param title string
---@param text string
---@return fun()
function M.open(title, text)
  local width = math.max(math.min(WIDEST, math.floor(vim.o.columns / 2) - 2), 20)
  local height = math.max(math.floor((vim.o.lines - vim.o.cmdheight) / 2) - 4, 3)
  local lines = fitted(title, width, 3)
  vim.list_extend(lines, fitted(text, width, height))
  vim.list_extend(lines, { '', unpack(fitted(HINT, width, 3)) })
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].bufhidden = 'wipe'
  -- In the command-line window there is no place for it.
  local opened, win = pcall(api.nvim_open_win, buf, false, {
    relative = 'editor',
    anchor = 'SE',
    row = vim.o.lines - vim.o.cmdheight - 1,
    col = vim.o.columns,
    width = width,
    height = math.min(#lines, math.max(vim.o.lines - vim.o.cmdheight - 4, 1)),
    style = 'minimal',
    border = 'rounded',
    focusable = false,
    noautocmd = true,
  })
  if opened and not vim.startswith(api.nvim_get_mode().mode, 'r') then
    vim.cmd.redraw()
  end
  return function()
    if opened and api.nvim_win_is_valid(win) then
      api.nvim_win_close(win, true)
    end
  end
end

return M
