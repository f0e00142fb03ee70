--- What a folder's agent is run with: its MCP servers, the context, the account's limits.

local client = require('claude_agent.client')

local M = {}

---@param mcp table
---@return string
local function describe(mcp)
  local why = type(mcp.error) == 'string' and ': ' .. mcp.error or ''
  return ('%s  (%s%s, %d tools)'):format(mcp.name, mcp.status, why, #mcp.tools)
end

---@param err? lsp.ResponseError
---@param mcp table
local function told(err, mcp)
  if err then
    client.tell(err)
  else
    client.notify(describe(mcp))
  end
end

---@param server vim.lsp.Client
---@param folder string
---@param mcp table
local function act(server, folder, mcp)
  local off = mcp.status == 'disabled'
  local choices = off and { 'Enable it' } or { 'Disable it', 'Connect it anew' }
  vim.ui.select(choices, { prompt = mcp.name }, function(_, chosen)
    local argument = { workspace = vim.uri_from_fname(folder), name = mcp.name }
    if chosen == 1 then
      argument.enabled = off
      client.command(server, 'mcp.toggle', argument, told)
    elseif chosen == 2 then
      client.command(server, 'mcp.reconnect', argument, told)
    end
  end)
end

--- Lets the user choose an MCP server, and what becomes of it.
---@param folder string
function M.mcp(folder)
  client.with(folder, function(server)
    local argument = { workspace = vim.uri_from_fname(folder) }
    client.command(server, 'mcp.list', argument, function(err, answer)
      if err then
        client.tell(err)
      elseif #answer.servers == 0 then
        client.notify('this folder has no MCP servers.')
      else
        vim.ui.select(
          answer.servers,
          { prompt = 'MCP servers', format_item = describe },
          function(mcp)
            if mcp then
              act(server, folder, mcp)
            end
          end
        )
      end
    end)
  end)
end

--- Tells how full the context of the current session is, and how far the account's limits are used.
---@param folder string
function M.usage(folder)
  client.with(folder, function(server)
    local argument = { workspace = vim.uri_from_fname(folder) }
    client.command(server, 'context', argument, function(err, context)
      if err then
        client.tell(err)
        return
      end
      client.command(server, 'limits', {}, function(failed, heard)
        local lines = {
          ('the context is %d %% full (%d of %d tokens).'):format(
            context.percentage,
            context.totalTokens,
            context.maxTokens
          ),
        }
        for _, limit in ipairs(failed and {} or heard.limits) do
          local used = type(limit.utilization) == 'number'
              and (', %d %% used'):format(limit.utilization * 100)
            or ''
          local reset = type(limit.resetsAt) == 'string' and ', reset at ' .. limit.resetsAt or ''
          table.insert(lines, ('Limit %s: %s%s%s'):format(limit.limit, limit.status, used, reset))
        end
        client.notify(table.concat(lines, '\n'))
      end)
    end)
  end)
end

return M
