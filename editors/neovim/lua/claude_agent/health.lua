--- `:checkhealth claude_agent`

local client = require('claude_agent.client')

local M = {}

local REPORT = { good = 'ok', note = 'info', fault = 'error' }
local DOCTOR_MS = 60000

--- What the server's own doctor has found, if it was asked before.
---@type vim.SystemCompleted?
local found_before

local function check_neovim()
  vim.health.start('Neovim')
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok(tostring(vim.version()))
  else
    vim.health.error(tostring(vim.version()), 'Neovim 0.11 or newer is needed.')
  end
  if not pcall(vim.treesitter.language.inspect, 'markdown') then
    vim.health.info('No Tree-sitter parser for Markdown: conversations are not fully highlighted.')
  end
end

--- Starts the server's own doctor.
---@param command string
---@param on_exit? fun(done: vim.SystemCompleted)
---@return vim.SystemObj?
local function start_doctor(command, on_exit)
  -- It fails for a program whose interpreter is gone.
  local ok, process = pcall(vim.system, { command, 'doctor', '--json' }, { text = true }, on_exit)
  return ok and process or nil
end

--- The server's program, if it is one.
---@return string|false|nil # nil if it is not on the PATH, false if the user starts it otherwise.
local function program()
  local cmd = vim.lsp.config[client.NAME].cmd
  if type(cmd) ~= 'table' then
    return false
  end
  local command = vim.fn.exepath(cmd[1])
  return command ~= '' and command or nil
end

--- Shows the report once the server's doctor is done, and keeps nobody waiting meanwhile.
function M.show()
  local command = program()
  local process = command
    and start_doctor(
      command,
      vim.schedule_wrap(function(done)
        found_before = done
        vim.cmd.checkhealth('claude_agent')
        found_before = nil
      end)
    )
  if process then
    client.notify('the server is being checked.')
  else
    vim.cmd.checkhealth('claude_agent')
  end
end

---@param command string
local function check_doctor(command)
  local process = not found_before and start_doctor(command)
  if not found_before and not process then
    vim.health.error(("%s can't be executed"):format(command), {
      'its interpreter may be gone: reinstall it, `uv tool install --reinstall .` in the clone',
    })
    return
  end
  local done = found_before or assert(process):wait(DOCTOR_MS)
  local ok, found = pcall(vim.json.decode, done.stdout or '')
  if not ok then
    vim.health.error(('`%s doctor` failed (status %d)'):format(command, done.code), {
      vim.trim(done.stderr or ''),
    })
    return
  end
  for _, check in ipairs(found.checks) do
    local text = ('%s: %s'):format(check.about, check.text)
    local hint = check.hint ~= vim.NIL and check.hint or nil
    if check.verdict == 'fault' then
      vim.health.error(text, hint and { hint })
    else
      vim.health[REPORT[check.verdict] or 'info'](text .. (hint and '. ' .. hint or ''))
    end
  end
end

function M.check()
  check_neovim()
  vim.health.start('claude-agent-lsp')
  local command = program()
  if command == false then
    vim.health.info('`cmd` is a function: the server is not checked.')
    return
  end
  if not command then
    local name = vim.lsp.config[client.NAME].cmd[1]
    vim.health.error(('`%s` is not on your PATH'):format(name), {
      '`uv tool install .` or `pipx install .` in the clone of the project',
      "or name it: vim.lsp.config('claude_agent', { cmd = { '/path/to/claude-agent-lsp' } })",
    })
    return
  end
  vim.health.ok(command)
  check_doctor(command)

  vim.health.start('Running servers')
  local clients = vim.lsp.get_clients({ name = client.NAME })
  if #clients == 0 then
    vim.health.info('None; the first :ClaudeAgent starts one.')
  end
  for _, each in ipairs(clients) do
    vim.health.info(('%s, client %d'):format(each.root_dir or '?', each.id))
  end
end

return M
