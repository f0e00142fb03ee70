--- Tool calls in words: the line that stays, and what is folded below it.

local M = {}

M.SIGN = '▸ '

--- Which part of its input says best what a call is about.
local ABOUT = { 'file_path', 'command', 'pattern', 'url', 'query', 'description', 'path' }

local SIGNS = { command = '$ ', old_string = '- ', new_string = '+ ', content = '+ ' }

---@param text string
---@return string[]
function M.lines(text)
  return vim.split((text:gsub('\r', ''):gsub('\n+$', '')), '\n', { plain = true })
end

--- The line of a call that the server has given no title.
---@param tool string
---@param input table
---@param folder string
---@return string
function M.title(tool, input, folder)
  for _, field in ipairs(ABOUT) do
    local value = input[field]
    if type(value) == 'string' then
      local text = vim.fs.relpath(folder, value) or value
      return ('%s `%s`'):format(tool, (text:gsub('%s+', ' ')))
    end
  end
  return tool
end

--- What a call was given: an edit as its lines, a command as it is, the rest by name. The file is
--- in the line above.
---@param input table
---@return string[]
function M.given(input)
  local lines = {}
  local function add(sign, text)
    for _, line in ipairs(M.lines(text)) do
      table.insert(lines, sign .. line)
    end
  end
  local names = vim.tbl_keys(input)
  table.sort(names)
  for _, name in ipairs(names) do
    local value = input[name]
    if type(value) ~= 'string' and value ~= false then
      add('', ('%s: %s'):format(name, vim.json.encode(value)))
    elseif value and not SIGNS[name] and name ~= 'file_path' then
      add('', ('%s: %s'):format(name, value))
    end
  end
  for _, name in ipairs({ 'command', 'old_string', 'new_string', 'content' }) do
    if type(input[name]) == 'string' then
      add(SIGNS[name], input[name])
    end
  end
  return lines
end

--- What a subagent says, as a line that stays and what is folded below it.
---@param kind 'text'|'thinking'
---@param text string
---@return string title
---@return string[] body
function M.nested(kind, text)
  local lines = M.lines(text)
  return kind == 'thinking' and 'Thinking' or table.remove(lines, 1), lines
end

--- How a call went, for the end of its line.
---@param status string
---@param text string[]
---@return string
function M.outcome(status, text)
  local said = #text > 1 and (', %d lines'):format(#text) or ''
  return (' (%s%s)'):format(status == 'completed' and 'done' or status, said)
end

return M
