--- What the user has to decide: by `vim.ui.select`, but never into somebody's typing.

local client = require('claude_agent.client')

local M = {}

local SAY_WHY = 'Deny, and say why'

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

--- Tells the agent why not.
---@param server vim.lsp.Client
---@param question table
local function deny_with_note(server, question)
  vim.ui.input({ prompt = 'Why not? ' }, function(note)
    client.command(server, 'question.answer', {
      questionId = question.questionId,
      answer = 'deny',
      note = note ~= '' and note or nil,
    })
  end)
end

--- The question that is open, if there is one.
---@param server vim.lsp.Client
---@param callback fun(question: table?)
local function open_question(server, callback)
  client.command(server, 'question.list', {}, function(_, result)
    callback(result and result.questions[1])
  end)
end

---@type lsp.Handler
function M.on_message_request(_, params, ctx)
  local co = assert(coroutine.running())
  local actions = vim.list_extend({}, params.actions or {})
  local asks = actions[1] and actions[1].title == 'Deny'
  if asks then
    table.insert(actions, { title = SAY_WHY })
    if vim.api.nvim_get_mode().mode ~= 'n' then
      client.notify('waits for your answer: ' .. vim.split(params.message, '\n')[1])
    end
  end
  when_free(function()
    if asks then
      require('claude_agent.conversation').reveal_waiting()
    end
    vim.ui.select(actions, {
      prompt = params.message,
      kind = 'claude_agent_question',
      format_item = function(action)
        return action.title
      end,
    }, function(choice)
      vim.schedule(function()
        local server = vim.lsp.get_client_by_id(ctx.client_id)
        if choice and choice.title == SAY_WHY and server then
          -- It stays open until the note is there.
          choice = nil
          open_question(server, function(question)
            if question then
              deny_with_note(server, question)
            end
          end)
        end
        coroutine.resume(co, choice or vim.NIL)
      end)
    end)
  end)
  return coroutine.yield()
end

--- Shows the question that is open once more, after its choice was closed.
---@param server vim.lsp.Client
function M.answer(server)
  open_question(server, function(question)
    if not question then
      client.notify('nothing waits for you.')
      return
    end
    local options = vim.list_extend({}, question.options)
    table.insert(options, { label = SAY_WHY })
    vim.ui.select(options, {
      prompt = ('%s?\n\n%s'):format(question.title, question.detail),
      kind = 'claude_agent_question',
      format_item = function(option)
        return option.label
      end,
    }, function(option)
      if option and option.label == SAY_WHY then
        deny_with_note(server, question)
      elseif option then
        client.command(server, 'question.answer', {
          questionId = question.questionId,
          answer = option.value,
        })
      end
    end)
  end)
end

return M
