--- What is done with a session as a whole: pinned, archived, exported, imported.

local client = require('claude_agent.client')

local M = {}

local FORMATS = { md = 'markdown', html = 'html', jsonl = 'jsonl' }
local MARKS = {
  pin = { command = 'session.pin', field = 'pinned' },
  archive = { command = 'session.archive', field = 'archived' },
}

---@param server vim.lsp.Client
---@param session_id string
---@param mark 'pin'|'archive'
---@param on boolean
function M.mark(server, session_id, mark, on)
  local how = MARKS[mark]
  client.command(server, how.command, { sessionId = session_id, [how.field] = on }, function(err)
    if err then
      client.tell(err)
    else
      client.notify(('the session is %s%s.'):format(how.field, on and '' or ' no more'))
    end
  end)
end

---@param file string
---@return string? path
local function path_of(file)
  if file == '' then
    client.notify('name a file.', vim.log.levels.ERROR)
    return nil
  end
  return vim.fn.fnamemodify(vim.fn.expand(file), ':p')
end

--- Writes a session to a file; the file's name says in which form.
---@param server vim.lsp.Client
---@param session_id string
---@param file string
function M.export(server, session_id, file)
  local path = path_of(file)
  if not path then
    return
  end
  local format = FORMATS[vim.fn.fnamemodify(path, ':e')]
  if not format then
    client.notify('name a file that ends with .md, .html or .jsonl.', vim.log.levels.ERROR)
    return
  end
  local argument = { sessionId = session_id, format = format, uri = vim.uri_from_fname(path) }
  client.command(server, 'session.export', argument, function(err)
    if err then
      client.tell(err)
    else
      client.notify(('wrote %s.'):format(path))
    end
  end)
end

--- Brings what is in a file, or in all files of a directory, to a folder, and shows the first.
---@param folder string
---@param file string
function M.import(folder, file)
  local path = path_of(file)
  if not path then
    return
  end
  client.with(folder, function(server)
    local argument = { workspace = vim.uri_from_fname(folder), uri = vim.uri_from_fname(path) }
    client.command(server, 'session.import', argument, function(err, result)
      if err then
        client.tell(err)
        return
      end
      local count, first = { imported = 0, known = 0, refused = 0 }, nil
      for _, each in ipairs(result.files) do
        count[each.outcome] = count[each.outcome] + 1
        first = first or (type(each.sessionId) == 'string' and each.sessionId) or nil
        if each.outcome == 'refused' then
          client.notify(each.reason, vim.log.levels.WARN)
        end
      end
      local text = 'imported %d, %d here already, %d refused.'
      client.notify(text:format(count.imported, count.known, count.refused))
      if first then
        require('claude_agent.sessions').open(folder, server, first)
      end
    end)
  end)
end

return M
