--- Code: what its actions ask, its reviews, and the messages of commits.

local client = require('claude_agent.client')
local config = require('claude_agent.config')
local conversation = require('claude_agent.conversation')

local M = {}

local TYPES = { 'E', 'W', 'I', 'N' }
---@type { server: vim.lsp.Client, request: integer }? What goes on, and is in no conversation.
local at_work

--- Has a code action ask, and shows the conversation in which it does.
---@param command lsp.Command
---@param ctx table
function M.ask(command, ctx)
  local server = vim.lsp.get_client_by_id(ctx.client_id)
  if not server then
    return
  end
  local begun = false
  conversation.expect(function(talk)
    begun = true
    talk:show(config.get().focus)
  end)
  client.command(server, 'ask', command.arguments[1], function(err)
    if err and not begun then -- else the conversation has it
      conversation.expect(nil)
      client.tell(err)
    end
  end)
end

---@param name string
---@param argument table
---@param on_answer fun(answer: table)
local function run(name, argument, on_answer)
  local buf = vim.api.nvim_get_current_buf()
  argument.workspace = vim.uri_from_fname(client.folder(buf))
  client.with(client.folder(buf), function(server)
    local request
    request = client.command(server, name, argument, function(err, answer)
      if at_work and at_work.request == request then
        at_work = nil
      end
      if err then
        client.tell(err)
      else
        on_answer(answer)
      end
    end)
    at_work = request and { server = server, request = request }
  end)
end

--- Has code reviewed; what is found is shown as diagnostics and listed in the quickfix window.
---@param subject string "changes", "branch", "file" or "selection".
---@param first? integer The first selected line, from 1.
---@param last? integer
function M.review(subject, first, last)
  local argument = { subject = subject, wait = true }
  if subject == 'file' or subject == 'selection' then
    argument.context = { textDocument = { uri = vim.uri_from_bufnr(0) } }
  end
  if subject == 'selection' then
    argument.context.range = {
      start = { line = (first or 1) - 1, character = 0 },
      ['end'] = { line = last or vim.fn.line('$'), character = 0 },
    }
  end
  client.notify('reviewing. :ClaudeAgent stop stops it.')
  run('review.run', argument, function(answer)
    if #answer.findings == 0 then
      client.notify('nothing was found.')
      return
    end
    local items = vim.tbl_map(function(each)
      return {
        filename = vim.uri_to_fname(each.uri),
        lnum = each.range.start.line + 1,
        col = each.range.start.character + 1,
        text = each.message,
        type = TYPES[each.severity],
      }
    end, answer.findings)
    vim.fn.setqflist({}, ' ', { title = 'Claude: review', items = items })
    vim.cmd('botright copen')
  end)
end

--- Writes the message of a commit of what is staged: above all else in a buffer for one, else to
--- the unnamed register.
function M.commit_message()
  local buf = vim.api.nvim_get_current_buf()
  run('commitMessage', {}, function(answer)
    local lines = vim.split(answer.message, '\n')
    if vim.bo[buf].filetype == 'gitcommit' and vim.bo[buf].modifiable then
      vim.api.nvim_buf_set_lines(buf, 0, 0, false, lines)
      return
    end
    vim.fn.setreg('"', lines)
    client.notify('the message can be put from the unnamed register:\n' .. answer.message)
  end)
end

--- Stops what goes on and is in no conversation.
---@return boolean # Whether there was something.
function M.stop()
  if not at_work then
    return false
  end
  at_work.server:cancel_request(at_work.request)
  at_work = nil
  client.notify('stopped.')
  return true
end

return M
