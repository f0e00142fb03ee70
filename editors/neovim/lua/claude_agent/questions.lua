--- What the user has to decide: by `vim.ui.select`, but never with keys that were meant for a text.

local client = require('claude_agent.client')
local preview = require('claude_agent.preview')
local rest = require('claude_agent.rest')

local M = {}

local DENY = 'deny'
--- Of what may be very long, so many characters stand in the choice: all of it is in the
--- conversation, with the tool call.
local LONGEST = 2000

--- Said where an answer does not count.
local HASTY = 'That was typed before you could read the question. Answer again.\n\n'

--- Closes the preview of each question that waits for the user to rest, by its id.
---@type table<string, fun()>
local waiting = {}

---@class claude_agent.Choice
---@field label string
---@field answer? string|string[]
---@field more? boolean Whether other answers may follow.
---@field prompt? string What the user is asked to write.
---@field deny? boolean Whether it says why not.

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
function M.text(question)
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

--- What can be chosen: the options, of several answers those that are left, and what takes words.
---@param question table
---@param chosen string[]
---@return claude_agent.Choice[]
local function choices(question, chosen)
  local items = {}
  for _, option in ipairs(question.options or {}) do
    if not vim.list_contains(chosen, option.value) then
      local several = question.multiple and option.value ~= DENY
      local answer = several and vim.list_extend({ option.value }, chosen) or option.value
      table.insert(items, { label = option.label, answer = answer, more = several })
    end
  end
  if #chosen > 0 then
    table.insert(items, { label = 'Done', answer = chosen })
  end
  local first = items[1]
  if question.freeText then
    table.insert(items, { label = 'Something else', prompt = 'Your answer: ' })
  elseif question.kind ~= 'trust' and first and first.answer == DENY then
    local label = first.label .. ', and say why'
    table.insert(items, { label = label, prompt = 'Why not? ', deny = true })
  end
  return items
end

--- Opens a plan beside the text that the user is at, and returns what closes it.
---@param plan string
---@return fun()
local function show_plan(plan)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(plan, '\n'))
  vim.bo[buf].filetype = 'markdown'
  vim.bo[buf].modifiable = false
  vim.bo[buf].bufhidden = 'wipe'
  vim.api.nvim_open_win(buf, false, { split = 'above', win = 0 })
  vim.cmd.redraw()
  return function()
    if vim.api.nvim_buf_is_valid(buf) then
      vim.api.nvim_buf_delete(buf, { force = true })
    end
  end
end

--- Asks until there is an answer; without one, the question stays open.
---@param question table
---@param callback fun(answer: string|string[]|nil, note: string?)
---@param chosen? string[] Of several answers, those that the user has given.
---@param before? string What to say first.
local function ask(question, callback, chosen, before)
  local text = question.document and '' or '\n\n' .. M.text(question)
  if chosen then
    text = ('%s\n\nChosen: %s'):format(text, table.concat(chosen, ', '))
  end
  local hasty = rest.watch()
  vim.ui.select(choices(question, chosen or {}), {
    prompt = (before or '') .. question.title .. text,
    kind = 'claude_agent_question',
    format_item = function(item)
      return item.label
    end,
  }, function(item)
    if hasty() and item and not chosen then
      vim.schedule(function()
        ask(question, callback, nil, HASTY)
      end)
    elseif not item then
      callback(nil)
    elseif item.prompt then
      vim.ui.input({ prompt = item.prompt }, function(words)
        words = words ~= '' and words or nil
        if item.deny then
          callback(DENY, words)
        elseif words and question.multiple then
          callback(vim.list_extend({ words }, chosen or {}))
        else
          callback(words)
        end
      end)
    elseif item.more then
      ask(question, callback, item.answer)
    else
      callback(item.answer)
    end
  end)
end

--- Shows a question with what it is about in sight.
---@param question table
---@param callback fun(answer: string|string[]|nil, note: string?)
local function show(question, callback)
  require('claude_agent.conversation').reveal_waiting()
  local close = question.document and show_plan(question.document)
  ask(question, function(...)
    if close then
      close()
    end
    callback(...)
  end)
end

--- A question waits no longer for the user to rest.
---@param id string
function M.settle(id)
  if waiting[id] then
    waiting[id]()
    waiting[id] = nil
  end
end

--- Calls back with the questions that are open, the first one first.
---@param server vim.lsp.Client
---@param callback fun(questions: table[])
local function open_ones(server, callback)
  client.command(server, 'question.list', {}, function(_, result)
    callback(result and result.questions or {})
  end)
end

--- Shows a question beside what the user does, and asks it once they rest, if it is still open.
---@param question table
---@param server vim.lsp.Client
---@param callback fun(answer: string|string[]|nil, note: string?)
local function ask_at_rest(question, server, callback)
  local id = question.questionId
  local close = preview.open(question.title, M.text(question))
  local stop = rest.wait(function(is_wanted)
    open_ones(server, function(questions)
      local open = vim.iter(questions):any(function(each)
        return each.questionId == id
      end)
      if not open then
        M.settle(id)
        callback(nil)
      end
      is_wanted(open)
    end)
  end, function()
    M.settle(id)
    show(question, callback)
  end)
  waiting[id] = function()
    close()
    stop()
  end
end

--- Answers the server's `claudeAgent/question`.
---@type lsp.Handler
function M.on_question(_, question, context)
  local co = assert(coroutine.running())
  local server = assert(vim.lsp.get_client_by_id(context.client_id))
  vim.schedule(function()
    ask_at_rest(question, server, function(answer, note)
      vim.schedule(function()
        coroutine.resume(co, answer and { answer = answer, note = note } or { closed = true })
      end)
    end)
  end)
  return coroutine.yield()
end

--- Shows the question that is open, which waits for the user to rest or was closed.
---@param server vim.lsp.Client
function M.answer(server)
  open_ones(server, function(questions)
    local question = questions[1]
    if not question then
      client.notify('there is no open question.')
      return
    end
    M.settle(question.questionId)
    show(question, function(answer, note)
      if answer then
        local argument = { questionId = question.questionId, answer = answer, note = note }
        client.command(server, 'question.answer', argument)
      end
    end)
  end)
end

return M
