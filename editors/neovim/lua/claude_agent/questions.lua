--- What the user has to decide: by `vim.ui.select`, but never with keys that were meant for a text.

local client = require('claude_agent.client')
local preview = require('claude_agent.preview')
local rest = require('claude_agent.rest')
local texts = require('claude_agent.question_text')

local M = {}

local DENY = 'deny'
--- Said where an answer does not count.
local HASTY = 'That was typed before you could read the question. Answer again.\n\n'

--- Closes the preview of each question that waits for the user to rest, by its id.
---@type table<string, fun()>
local waiting = {}

--- Closes the menu of each question that is asked, by its id.
---@type table<string, fun()>
local asking = {}

--- Of several answers, those that the user had given when they closed the menu.
---@type table<string, string[]>
local given = {}

--- Said of a question that was settled while its menu was open.
local SETTLED = {
  deadline = 'The question was not answered in time.',
  withdrawn = 'The question was withdrawn.',
}

---@class claude_agent.Choice
---@field label string
---@field answer? string|string[]
---@field more? boolean Whether other answers may follow.
---@field prompt? string What the user is asked to write.
---@field deny? boolean Whether it says why not.

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

--- Closes what Neovim's own menu is: a line that waits for a number. A menu of the user's stays.
---@return boolean # Whether it is closed.
local function close_menu()
  local mode = vim.api.nvim_get_mode()
  -- On Neovim 0.12 it is the command line, before that a prompt of its own.
  if mode.mode == 'c' or mode.mode:sub(1, 1) == 'r' then
    vim.api.nvim_input('<Esc>')
    return true
  end
  return false
end

--- Asks until there is an answer; without one, the question stays open.
---@param question table
---@param callback fun(answer: string|string[]|nil, note: string?)
---@param chosen? string[] Of several answers, those that the user has given.
---@param before? string What to say first.
local function ask(question, callback, chosen, before)
  local id = question.questionId
  local text = question.document and '' or '\n\n' .. texts.of(question)
  if chosen then
    text = ('%s\n\nChosen: %s'):format(text, table.concat(chosen, ', '))
  end
  local hasty = rest.watch()
  local settled
  asking[id] = function(by)
    settled = SETTLED[by] or 'The question was answered elsewhere.'
    if not close_menu() then
      client.notify(settled)
    end
  end
  vim.ui.select(choices(question, chosen or {}), {
    prompt = (before or '') .. question.title .. text,
    kind = 'claude_agent_question',
    format_item = function(item)
      return item.label
    end,
  }, function(item)
    asking[id] = nil
    local early = hasty()
    if settled then
      vim.schedule(function()
        vim.cmd.redraw() -- without the menu, which would have to be left by a key
        client.notify(settled)
      end)
      callback(nil)
    elseif early and item and not chosen then
      vim.schedule(function()
        ask(question, callback, nil, HASTY)
      end)
    elseif not item then
      given[id] = chosen
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
  end, given[question.questionId])
end

--- A question needs no answer any more, and waits no longer for the user to rest.
---@param id string
---@param by? string How it was settled; nil if it is asked now.
function M.settle(id, by)
  if waiting[id] then
    waiting[id]()
    waiting[id] = nil
  end
  if by then
    given[id] = nil
  end
  if by and asking[id] then
    asking[id](by)
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
  local close = preview.open(question.title, texts.of(question))
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
