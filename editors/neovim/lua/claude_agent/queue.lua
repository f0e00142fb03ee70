--- The prompts that wait for a run at work: to look at, change, remove and send.

local client = require('claude_agent.client')
local conversation = require('claude_agent.conversation')

local M = {}

local STATES = {
  waiting = '',
  kept = ' (kept: sent with your next prompt)',
  sending = ' (sent with the result of the next tool)',
}
local WIDTH = 24

---@param prompt string
---@return string
local function line(prompt)
  return vim.trim((prompt:gsub('%s+', ' ')))
end

--- What waits for a session has changed.
---@param params table
function M.on_changed(params)
  local talk = conversation.with_session(params.sessionId)
  if talk then
    talk.queue = params.queue
    vim.cmd.redrawstatus({ bang = true })
  end
end

--- What waits, in a few words.
---@param queue table[]
---@return string?
function M.brief(queue)
  local first = queue[1]
  if not first then
    return nil
  end
  local words = vim.fn.strcharpart(line(first.prompt), 0, WIDTH)
  local more = #queue > 1 and (' +%d'):format(#queue - 1) or ''
  return (first.state == 'sending' and 'sending: ' or 'next: ') .. words .. more
end

---@param server vim.lsp.Client
---@param waiting table
local function edit(server, waiting)
  vim.ui.input({ prompt = 'Ask Claude: ', default = waiting.prompt }, function(prompt)
    if prompt and vim.trim(prompt) ~= '' then
      client.command(server, 'queue.edit', { runId = waiting.runId, prompt = prompt })
    end
  end)
end

---@type {label: string, act: fun(server: vim.lsp.Client, waiting: table)}[]
local actions = {
  {
    label = 'Send now',
    act = function(server, waiting)
      client.command(server, 'queue.sendNow', { runId = waiting.runId })
    end,
  },
  { label = 'Edit', act = edit },
  {
    label = 'Remove',
    act = function(server, waiting)
      client.command(server, 'queue.remove', { runId = waiting.runId })
    end,
  },
}

---@param server vim.lsp.Client
---@param waiting table
local function choose_action(server, waiting)
  vim.ui.select(actions, {
    prompt = line(waiting.prompt),
    format_item = function(each)
      return each.label
    end,
  }, function(chosen)
    if chosen then
      chosen.act(server, waiting)
    end
  end)
end

--- Lets the user choose from what waits, and what becomes of it.
---@param talk claude_agent.Conversation
function M.choose(talk)
  client.with(talk.folder, function(server)
    client.command(server, 'queue.list', { sessionId = talk.session }, function(err, answer)
      if err then
        client.tell(err)
        return
      end
      talk.queue = answer.queue
      if #answer.queue == 0 then
        client.notify('nothing waits.')
        return
      end
      vim.ui.select(answer.queue, {
        prompt = 'Waiting prompts',
        format_item = function(each)
          return line(each.prompt) .. STATES[each.state]
        end,
      }, function(chosen)
        if chosen then
          choose_action(server, chosen)
        end
      end)
    end)
  end)
end

return M
