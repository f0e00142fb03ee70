--- The language server: starting it when it is needed, and sending it commands.

local M = {}

M.NAME = 'claude_agent'
local START_MS = 60000

---@alias claude_agent.Answer fun(err: lsp.ResponseError?, result: any)

---@param message string
---@param level? integer
function M.notify(message, level)
  vim.notify('Claude: ' .. message, level or vim.log.levels.INFO)
end

--- The folder that a buffer belongs to: what has a root marker, else the working directory.
---@param buf integer
---@return string
function M.folder(buf)
  local folder = vim.b[buf].claude_agent_folder
  return folder or vim.fs.root(buf, vim.lsp.config[M.NAME].root_markers or {}) or vim.fn.getcwd()
end

--- The server that works in a folder, if it runs.
---@param folder string
---@return vim.lsp.Client?
function M.running(folder)
  local uri = vim.uri_from_fname(folder)
  return vim.iter(vim.lsp.get_clients({ name = M.NAME })):find(function(client)
    return vim.iter(client.workspace_folders or {}):any(function(each)
      return each.uri == uri
    end)
  end)
end

--- Calls back with the server of a folder, which is started if need be.
---@param folder string
---@param callback fun(client: vim.lsp.Client)
---@param on_fault? fun(message: string) Without it, the user is told.
function M.with(folder, callback, on_fault)
  on_fault = on_fault or function(message)
    M.notify(message, vim.log.levels.ERROR)
  end
  local config = vim.deepcopy(vim.lsp.config[M.NAME])
  local cmd = config.cmd
  if type(cmd) == 'table' and vim.fn.executable(cmd[1]) == 0 then
    on_fault(('%s is not on your PATH. Run :checkhealth claude_agent for details.'):format(cmd[1]))
    return
  end
  config.root_dir = folder
  local client = M.running(folder)
  local id = client and client.id or vim.lsp.start(config, { attach = false })
  if not id then
    on_fault('the server could not be started. Run :checkhealth claude_agent for details.')
    return
  end

  local deadline = vim.uv.now() + START_MS
  local function try()
    client = vim.lsp.get_client_by_id(id)
    if client and client.initialized then
      callback(client)
    elseif not client or client:is_stopped() or vim.uv.now() > deadline then
      on_fault('the server did not start. Run :checkhealth claude_agent for details.')
    else
      vim.defer_fn(try, 10)
    end
  end
  try()
end

--- Executes a command of docs/protocol.md.
---@param client vim.lsp.Client
---@param name string Without "claudeAgent."
---@param argument table
---@param callback? claude_agent.Answer Without one, an error is told to the user.
---@return integer? request_id
function M.command(client, name, argument, callback)
  require('claude_agent.buffers').tell(client)
  local params = {
    command = 'claudeAgent.' .. name,
    arguments = { next(argument) and argument or vim.empty_dict() },
  }
  local _, request_id = client:request('workspace/executeCommand', params, function(err, result)
    if callback then
      callback(err, result)
    elseif err then
      M.tell(err)
    end
  end)
  return request_id
end

--- Tells the user of an error, and what to do about it.
---@param err lsp.ResponseError
function M.tell(err)
  local hint = type(err.data) == 'table' and err.data.hint
  M.notify(err.message .. (hint and ' ' .. hint or ''), vim.log.levels.ERROR)
end

return M
