--- `:checkhealth claude_agent`

local client = require('claude_agent.client')

local M = {}

local REPORT = { good = 'ok', note = 'info', fault = 'error' }
local DOCTOR_MS = 60000

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

---@param command string
local function check_doctor(command)
  local done = vim.system({ command, 'doctor', '--json' }, { text = true }):wait(DOCTOR_MS)
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
  local cmd = vim.lsp.config[client.NAME].cmd
  if type(cmd) ~= 'table' then
    vim.health.info('`cmd` is a function: the server is not checked.')
    return
  end
  local command = vim.fn.exepath(cmd[1])
  if command == '' then
    vim.health.error(('`%s` is not on your PATH'):format(cmd[1]), {
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
