--- What a question says below its title.

local M = {}

local DENY = 'deny'
--- Of what may be very long, so many characters stand in the choice: all of it is in the
--- conversation, with the tool call.
local LONGEST = 2000

--- Cuts a text that is long, and says how much is missing.
---@param text string
---@param indent? string Stands before each line, so that none can be taken for another's.
---@return string
local function shortened(text, indent)
  local more = vim.fn.strchars(text) - LONGEST
  local kept = more > 0 and vim.fn.strcharpart(text, 0, LONGEST) or text
  if indent then
    kept = indent .. kept:gsub('\n', '\n' .. indent)
  end
  return more > 0 and ('%s\n… (%d more characters)'):format(kept, more) or kept
end

--- Says what an answer allows beyond the one call, or nothing.
---@param how_long string
---@param grants? { text: string }[]
---@param saved_in? string
---@return string?
local function granted(how_long, grants, saved_in)
  local words = {}
  for _, grant in ipairs(grants or {}) do
    if not vim.list_contains(words, grant.text) then
      table.insert(words, grant.text)
    end
  end
  if #words == 0 then
    return nil
  end
  local place = saved_in and ', in ' .. saved_in or ''
  return ('%s: %s%s'):format(how_long, table.concat(words, ', '), place)
end

--- What can be chosen, with what the agent says about it.
---@param options table[]
---@return string
local function about_options(options)
  local lines = {}
  for _, option in ipairs(options) do
    if option.value ~= DENY then
      local about = option.description and ': ' .. option.description or ''
      table.insert(lines, option.label .. about)
    end
  end
  return table.concat(lines, '\n')
end

--- What a question says below its title, with the words as the server sent them: what would be
--- done (a command is indented, what the agent says about it is quoted), what else there is to know
--- of it, why it is asked, and what the answers would allow.
---@param question table
---@return string
function M.of(question)
  local action, grants = question.action, question.grants or {}
  if not action or question.kind == 'plan' then
    return question.detail
  elseif question.kind == 'choice' then
    return about_options(question.options or {})
  end
  local parts = {}
  local function add(text, indent)
    if text and text ~= '' then
      table.insert(parts, shortened(text, indent))
    end
  end
  add(action.command, '    ')
  -- What a path ends with, and what trust would let happen, are never cut.
  table.insert(parts, action.path)
  add(action.description, '> ')
  add(question.diff)
  local notes = table.concat(question.notes or {}, '\n')
  if question.kind == 'trust' then
    table.insert(parts, notes)
  else
    add(notes)
  end
  add(question.reason)
  local allowed = {}
  table.insert(allowed, granted('For this session', grants.session))
  table.insert(allowed, granted('Always', grants.always, grants.savedIn))
  local done = table.concat(parts, '\n')
  if done == '' then
    done = question.detail
  elseif #allowed > 0 then
    done = done .. '\n\n' .. table.concat(allowed, '\n')
  end
  return done
end

return M
