--- `:ClaudeAgent`

local M = {}

---@class claude_agent.Subcommand
---@field run fun(argument: string, opts: table)
---@field complete? fun(lead: string): string[]

---@return table
local function agent()
  return require('claude_agent')
end

---@return string[]
local function no_or_yes()
  return { 'no', 'yes' }
end

---@return string[]
local function all()
  return { 'all' }
end

---@param lead string
---@return string[]
local function files(lead)
  return vim.fn.getcompletion(lead, 'file')
end

---@type table<string, claude_agent.Subcommand>
local subcommands = {
  ask = {
    run = function(prompt, opts)
      local selected = opts.range > 0
      agent().ask(prompt, {
        first = selected and opts.line1 or nil,
        last = selected and opts.line2 or nil,
      })
    end,
  },
  now = {
    run = function(prompt)
      agent().ask(prompt, { now = true })
    end,
  },
  instead = {
    run = function(prompt)
      agent().ask(prompt, { instead = true })
    end,
  },
  queue = {
    run = function()
      agent().queue()
    end,
  },
  new = {
    run = function(prompt)
      agent().new(prompt)
    end,
  },
  stop = {
    run = function()
      agent().stop()
    end,
  },
  takeover = {
    run = function()
      agent().take_over()
    end,
  },
  resume = {
    run = function(id)
      agent().resume(id ~= '' and id or nil)
    end,
    complete = function()
      local client = require('claude_agent.client')
      return require('claude_agent.sessions').ids(client.folder(vim.api.nvim_get_current_buf()))
    end,
  },
  sessions = {
    run = function()
      agent().sessions()
    end,
  },
  search = {
    run = function(words)
      agent().search(words)
    end,
  },
  pin = {
    run = function(answer)
      agent().mark('pin', answer ~= 'no')
    end,
    complete = no_or_yes,
  },
  archive = {
    run = function(answer)
      agent().mark('archive', answer ~= 'no')
    end,
    complete = no_or_yes,
  },
  export = {
    run = function(file)
      agent().export(file)
    end,
    complete = files,
  },
  rewind = {
    run = function()
      agent().rewind()
    end,
  },
  redo = {
    run = function()
      agent().redo()
    end,
  },
  changes = {
    run = function()
      agent().changes()
    end,
  },
  keep = {
    run = function(what, opts)
      agent().decide('keep', what, opts)
    end,
    complete = all,
  },
  undo = {
    run = function(what, opts)
      agent().decide('undo', what, opts)
    end,
    complete = all,
  },
  reapply = {
    run = function()
      agent().reapply()
    end,
  },
  import = {
    run = function(file)
      agent().import(file)
    end,
    complete = files,
  },
  review = {
    run = function(subject, opts)
      local selected = opts.range > 0
      local what = subject ~= '' and subject or (selected and 'selection' or 'changes')
      require('claude_agent.code').review(what, opts.line1, opts.line2)
    end,
    complete = function()
      return { 'branch', 'changes', 'file', 'selection' }
    end,
  },
  commit = {
    run = function()
      require('claude_agent.code').commit_message()
    end,
  },
  answer = {
    run = function()
      agent().answer()
    end,
  },
  tasks = {
    run = function()
      agent().tasks()
    end,
  },
  mcp = {
    run = function()
      agent().mcp()
    end,
  },
  usage = {
    run = function()
      agent().usage()
    end,
  },
  mode = {
    run = function(mode)
      agent().mode(mode ~= '' and mode or nil)
    end,
    complete = function()
      return agent().MODES
    end,
  },
  trust = {
    run = function(answer)
      agent().trust(answer ~= 'no')
    end,
    complete = no_or_yes,
  },
  doctor = {
    run = function()
      require('claude_agent.health').show()
    end,
  },
}

---@param opts table Of a user command.
function M.run(opts)
  local name, argument = opts.args:match('^(%S*)%s*(.*)$')
  if name == '' then
    if opts.range > 0 then
      agent().ask('', { first = opts.line1, last = opts.line2 })
    else
      agent().open()
    end
    return
  end
  local subcommand = subcommands[name]
  if not subcommand then
    local names = table.concat(M.names(), ', ')
    require('claude_agent.client').notify(
      ('unknown subcommand %q. Use one of %s.'):format(name, names),
      vim.log.levels.ERROR
    )
    return
  end
  subcommand.run(argument, opts)
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(subcommands)
  table.sort(names)
  return names
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local name = line:match('ClaudeAgent!?%s+(%S+)%s')
  local words = M.names()
  if name then
    local subcommand = subcommands[name]
    words = subcommand and subcommand.complete and subcommand.complete(lead) or {}
  end
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

return M
