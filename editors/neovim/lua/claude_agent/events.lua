--- The server's `$/progress`: each run's events go to whoever asked, the rest to Neovim.

local M = {}

---@class claude_agent.Listener
---@field client_id integer
---@field on_event fun(event: table)

---@type table<string, claude_agent.Listener>
local listeners = {}
local count = 0

-- On such a token come the events of a run that the agent has begun by itself, wanted or not.
local OWN = 'claudeAgent/run/'

--- Makes a token on which a run is to be streamed.
---@param client_id integer
---@param on_event fun(event: table)
---@param run_id? string Of a run that the agent has begun by itself.
---@return string
function M.listen(client_id, on_event, run_id)
  count = count + 1
  local token = ('claude-agent-%d-%d'):format(vim.fn.getpid(), count)
  if run_id then
    token = OWN .. run_id
  end
  listeners[token] = { client_id = client_id, on_event = on_event }
  return token
end

--- Nothing more comes on a token.
---@param token string
---@return boolean # Whether something could have come.
function M.forget(token)
  local known = listeners[token] ~= nil
  listeners[token] = nil
  return known
end

--- When Neovim itself is leaving, nobody is to be told: a message could wait for a key that never
--- comes.
---@return boolean
local function leaving()
  return vim.v.exiting ~= vim.NIL
end

---@type lsp.Handler
function M.on_progress(err, params, ctx)
  local listener = params and listeners[params.token]
  if listener and leaving() then
    return
  elseif not listener then
    if params and vim.startswith(tostring(params.token), OWN) then
      return
    end
    return vim.lsp.handlers['$/progress'](err, params, ctx)
  end
  listener.on_event(params.value)
  if params.value.kind == 'ended' then
    M.forget(params.token)
  end
end

--- A server is gone, and its runs with it.
---@param client_id integer
function M.on_exit(client_id)
  if leaving() then
    return
  end
  for token, listener in pairs(listeners) do
    if listener.client_id == client_id then
      M.forget(token)
      listener.on_event({ kind = 'lost' })
    end
  end
end

return M
