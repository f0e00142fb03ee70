--- What the user has to decide: by `vim.ui.select`, but never into somebody's typing.

local client = require('claude_agent.client')

local M = {}

local DENY = 'deny'

---@class claude_agent.Choice
---@field label string
---@field answer? string|string[]
---@field more? boolean Whether other answers may follow.
---@field prompt? string What the user is asked to write.
---@field deny? boolean Whether it says why not.

--- Calls back as soon as a choice can be shown without catching keys that were meant for a text.
---@param callback fun()
local function when_free(callback)
  if vim.api.nvim_get_mode().mode == 'n' then
    callback()
    return
  end
  vim.api.nvim_create_autocmd('ModeChanged', {
    pattern = '*:n',
    once = true,
    callback = function()
      vim.schedule(function()
        when_free(callback)
      end)
    end,
  })
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
local function ask(question, callback, chosen)
  chosen = chosen or {}
  local text = question.document and '' or '\n\n' .. question.detail
  if #chosen > 0 then
    text = ('%s\n\nChosen: %s'):format(text, table.concat(chosen, ', '))
  end
  vim.ui.select(choices(question, chosen), {
    prompt = question.title .. text,
    kind = 'claude_agent_question',
    format_item = function(item)
      return item.label
    end,
  }, function(item)
    if not item then
      callback(nil)
    elseif item.prompt then
      vim.ui.input({ prompt = item.prompt }, function(words)
        words = words ~= '' and words or nil
        if item.deny then
          callback(DENY, words)
        elseif words and question.multiple then
          callback(vim.list_extend({ words }, chosen))
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

--- Answers the server's `claudeAgent/question`.
---@type lsp.Handler
function M.on_question(_, question)
  local co = assert(coroutine.running())
  if vim.api.nvim_get_mode().mode ~= 'n' then
    client.notify('waits for your answer: ' .. question.title)
  end
  when_free(function()
    show(question, function(answer, note)
      vim.schedule(function()
        coroutine.resume(co, answer and { answer = answer, note = note } or vim.NIL)
      end)
    end)
  end)
  return coroutine.yield()
end

--- Shows the question that is open once more, after its choice was closed.
---@param server vim.lsp.Client
function M.answer(server)
  client.command(server, 'question.list', {}, function(_, result)
    local question = result and result.questions[1]
    if not question then
      client.notify('there is no open question.')
      return
    end
    show(question, function(answer, note)
      if answer then
        local argument = { questionId = question.questionId, answer = answer, note = note }
        client.command(server, 'question.answer', argument)
      end
    end)
  end)
end

return M
