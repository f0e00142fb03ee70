--- The Claude agent in Neovim. `:help claude-agent`

local client = require('claude_agent.client')
local config = require('claude_agent.config')
local context = require('claude_agent.context')
local conversation = require('claude_agent.conversation')
local vocabulary = require('claude_agent.vocabulary')

local M = {}

--- Not needed: the same as setting `vim.g.claude_agent`.
---@param opts? table
function M.setup(opts)
  vim.g.claude_agent = opts or {}
end

---@return integer buf
---@return string folder
local function here()
  local buf = vim.api.nvim_get_current_buf()
  return buf, client.folder(buf)
end

---@class claude_agent.Ask
---@field first? integer The first selected line, from 1.
---@field last? integer
---@field now? boolean Whether it goes into the turn at work.
---@field instead? boolean Whether the run at work is stopped for it.

--- Asks the agent; without a prompt, the user for one.
---@param prompt string
---@param opts? claude_agent.Ask
function M.ask(prompt, opts)
  local buf, folder = here()
  opts = opts or {}
  if vim.trim(prompt) == '' then
    local label = opts.instead and 'Stop, and ask Claude: ' or 'Ask Claude: '
    vim.ui.input({ prompt = label }, function(typed)
      if typed and vim.trim(typed) ~= '' then
        vim.api.nvim_buf_call(buf, function()
          M.ask(typed, opts)
        end)
      end
    end)
    return
  end
  local talk = conversation.of(buf) or conversation.new(folder, 'last')
  local selection = { buf = buf, first = opts.first, last = opts.last }
  local sent, about, place = context.of(prompt, selection)
  talk:show(config.get().focus)
  local how = opts.now and 'steer' or opts.instead and 'stop' or 'queue'
  talk:ask(sent, prompt, about, place, how)
end

--- Begins a new session, with a prompt or with the next one.
---@param prompt? string
function M.new(prompt)
  local _, folder = here()
  conversation.new(folder, 'new'):show()
  if prompt and vim.trim(prompt) ~= '' then
    M.ask(prompt)
  end
end

--- Stops the run of this conversation or folder, else the newest one there is.
function M.stop()
  local buf = here()
  local talk = conversation.of(buf)
  if not talk or talk.state == 'idle' then
    talk = conversation.at_work()
  end
  if not (talk and talk:stop() or require('claude_agent.code').stop()) then
    client.notify('nothing is running.')
  end
end

--- Stops the run that is seen here in the editor in which it is at work, to go on with it here.
function M.take_over()
  local buf = here()
  local talk = conversation.of(buf)
  if talk and talk.held_by then
    require('claude_agent.watching').take_over(talk)
  else
    client.notify('nothing is at work here in another editor.')
  end
end

--- Lets the user look at what waits for the run at work, change, remove and send it.
function M.queue()
  local buf = here()
  local talk = conversation.of(buf) or conversation.at_work()
  if talk and talk.session ~= 'new' and talk.session ~= 'last' then
    require('claude_agent.queue').choose(talk)
  else
    client.notify('nothing waits.')
  end
end

--- Shows the conversation, or goes back from it.
function M.open()
  local buf, folder = here()
  local talk = conversation.of(buf)
  if talk and talk.page.buf == buf then
    vim.cmd.wincmd('p')
  elseif talk then
    talk:show(true)
  else
    require('claude_agent.sessions').resume(folder)
  end
end

--- Goes on with a session; without an id, with the last one.
---@param session_id? string
function M.resume(session_id)
  local _, folder = here()
  require('claude_agent.sessions').resume(folder, session_id)
end

--- Lets the user choose from the sessions.
function M.sessions()
  local _, folder = here()
  require('claude_agent.sessions').choose(folder)
end

--- Lets the user choose from the sessions in which some words were said.
---@param words string
function M.search(words)
  local _, folder = here()
  require('claude_agent.sessions').search(folder, words)
end

---@param act fun(server: vim.lsp.Client, session_id: string, folder: string)
local function with_session(act)
  local buf = here()
  local talk = conversation.of(buf) or conversation.at_work()
  if not talk or talk.session == 'new' or talk.session == 'last' then
    client.notify('there is no session here. :ClaudeAgent sessions chooses one.')
    return
  end
  client.with(talk.folder, function(server)
    act(server, talk.session, talk.folder)
  end)
end

--- Pins or archives the session that is shown, or undoes it.
---@param mark 'pin'|'archive'
---@param on boolean
function M.mark(mark, on)
  with_session(function(server, session_id)
    require('claude_agent.filing').mark(server, session_id, mark, on)
  end)
end

--- Writes the session that is shown to a file: .md, .html or .jsonl.
---@param file string
function M.export(file)
  with_session(function(server, session_id)
    require('claude_agent.filing').export(server, session_id, file)
  end)
end

--- Puts the files back as they were before a prompt of the session that is shown.
function M.rewind()
  with_session(function(server, session_id, folder)
    require('claude_agent.rewind').rewind(server, folder, session_id)
  end)
end

--- Takes the last rewind of that session back.
function M.redo()
  with_session(function(server, session_id, folder)
    require('claude_agent.rewind').redo(server, folder, session_id)
  end)
end

--- Lists what the agent has changed here and nobody has looked at, and marks it.
function M.changes()
  require('claude_agent.review').list((here()))
end

--- Keeps or takes back what the agent has changed in the selected lines, this one, or the file.
---@param name 'keep'|'undo'
---@param what? string "all" for the whole file.
---@param opts? { range: integer, line1: integer, line2: integer }
function M.decide(name, what, opts)
  local first, last = vim.fn.line('.'), vim.fn.line('.')
  if what == 'all' then
    first, last = nil, nil
  elseif opts and opts.range > 0 then
    first, last = opts.line1, opts.line2
  end
  require('claude_agent.review').decide(name, (here()), first, last)
end

--- Does again what was taken back last.
function M.reapply()
  require('claude_agent.review').redo((here()))
end

--- Brings a session of another machine, or a directory of them, to this folder.
---@param file string
function M.import(file)
  local _, folder = here()
  require('claude_agent.filing').import(folder, file)
end

--- Shows the question that waits once more.
function M.answer()
  local _, folder = here()
  local talk = conversation.at_work()
  client.with(talk and talk.folder or folder, function(server)
    require('claude_agent.questions').answer(server)
  end)
end

--- Lets the user choose from what runs in the background.
function M.tasks()
  local _, folder = here()
  require('claude_agent.background').choose(folder)
end

--- Lets the user choose from the MCP servers of this folder.
function M.mcp()
  local _, folder = here()
  require('claude_agent.control').mcp(folder)
end

--- Tells how full the context is, and how far the account's limits are used.
function M.usage()
  local _, folder = here()
  require('claude_agent.control').usage(folder)
end

M.MODES = vocabulary.MODES

--- Sets what the agent may do without asking; without a mode, lets the user choose.
---@param mode? string
function M.mode(mode)
  if not mode then
    vim.ui.select(M.MODES, {
      prompt = 'Permission mode',
      format_item = function(each)
        return ('%s: %s'):format(each, vocabulary.ABOUT_MODES[each])
      end,
    }, function(chosen)
      if chosen then
        M.mode(chosen)
      end
    end)
    return
  end
  local buf, folder = here()
  local talk = conversation.of(buf) or conversation.new(folder, 'last')
  if talk.session == 'new' or talk.session == 'last' then
    talk.mode = mode
    client.notify(('permission mode %s from the next prompt on.'):format(mode))
    return
  end
  client.with(talk.folder, function(server)
    local argument = { sessionId = talk.session, permissionMode = mode }
    client.command(server, 'mode', argument, function(err)
      if err then
        client.tell(err)
      else
        client.notify('permission mode ' .. mode .. '.')
      end
    end)
  end)
end

--- Trusts this folder, or trusts it no longer: its settings, hooks and MCP servers run only then.
---@param trusted boolean
function M.trust(trusted)
  local _, folder = here()
  client.with(folder, function(server)
    local argument = { workspace = vim.uri_from_fname(folder), trusted = trusted }
    client.command(server, 'trust', argument, function(err)
      if err then
        client.tell(err)
      else
        client.notify(('%s is %s.'):format(folder, trusted and 'trusted' or 'not trusted'))
      end
    end)
  end)
end

--- What goes on, for 'statusline': empty until the agent has been asked.
---@return string
function M.statusline()
  return require('claude_agent.status').line()
end

return M
