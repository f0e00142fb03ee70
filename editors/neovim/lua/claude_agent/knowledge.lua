--- What Neovim knows of code, for the agent: diagnostics, what is shown, its language servers.

local M = {}

local NAME = require('claude_agent.client').NAME
-- Linters come one after the other.
local GATHER_MS = 100
-- Of a buffer; the server keeps fewer.
local MOST = 1000
-- The server waits a second longer.
local ANSWER_MS = 14000

-- The version that each buffer had as its diagnostics were set last.
---@type table<integer, integer>
local versions = {}
local following = false

---@param buf integer
---@return vim.lsp.Client[]
local function servers(buf)
  return vim.lsp.get_clients({ name = NAME, bufnr = buf })
end

--- A place in a buffer, counted as a client counts.
---@param buf integer
---@param row integer From 0.
---@param col integer In bytes.
---@param encoding string
---@return lsp.Position
local function position(buf, row, col, encoding)
  local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
  return { line = row, character = vim.str_utfindex(line, encoding, math.min(col, #line), false) }
end

---@param buf integer
---@param found vim.Diagnostic[]
---@param encoding string
---@return table[]
local function as_lsp(buf, found, encoding)
  return vim.tbl_map(function(each)
    local last, col = each.end_lnum or each.lnum, each.end_col or each.col
    return {
      range = {
        start = position(buf, each.lnum, each.col, encoding),
        ['end'] = position(buf, last, col, encoding),
      },
      severity = each.severity,
      message = each.message,
      source = each.source,
      code = each.code,
    }
  end, found)
end

--- Tells of a buffer's diagnostics, unless it has changed since: then others will come.
---@param buf integer
---@param version integer
local function tell(buf, version)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return
  end
  local found = vim.list_slice(vim.diagnostic.get(buf), 1, MOST)
  for _, client in ipairs(servers(buf)) do
    if vim.lsp.util.buf_versions[buf] == version then
      client:notify('claudeAgent/diagnostics', {
        uri = vim.uri_from_bufnr(buf),
        version = version,
        diagnostics = as_lsp(buf, found, client.offset_encoding),
      })
    end
  end
end

---@param buf integer
local function gather(buf)
  local version = vim.lsp.util.buf_versions[buf]
  local gathering = versions[buf] == version
  versions[buf] = version
  if version and not gathering then
    vim.defer_fn(function()
      if versions[buf] == version then
        versions[buf] = nil
      end
      tell(buf, version)
    end, GATHER_MS)
  end
end

--- A server has started: it is told of diagnostics from now on, and of those that are there.
function M.follow()
  if not following then
    following = true
    vim.api.nvim_create_autocmd('DiagnosticChanged', {
      group = vim.api.nvim_create_augroup('claude_agent_knowledge', {}),
      callback = function(event)
        if #servers(event.buf) > 0 then
          gather(event.buf)
        end
      end,
    })
  end
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if #servers(buf) > 0 and #vim.diagnostic.get(buf) > 0 then
      gather(buf)
    end
  end
end

--- What is selected in a window, or where its cursor is.
---@param win integer
---@param encoding string
---@return lsp.Range
local function selection(win, encoding)
  local buf = vim.api.nvim_win_get_buf(win)
  local from, to = unpack(vim.api.nvim_win_call(win, function()
    return { vim.fn.getpos('v'), vim.fn.getpos('.') }
  end))
  local mode = win == vim.api.nvim_get_current_win() and vim.fn.mode() or 'n'
  if not mode:match('^[vV\22]') then
    from = to
  elseif from[2] > to[2] or (from[2] == to[2] and from[3] > to[3]) then
    from, to = to, from
  end
  local first, last = from[3] - 1, to[3] - 1
  if mode == 'V' then
    first, last = 0, vim.v.maxcol
  elseif mode ~= 'n' and from ~= to then
    last = last + 1
  end
  return {
    start = position(buf, from[2] - 1, first, encoding),
    ['end'] = position(buf, to[2] - 1, last, encoding),
  }
end

--- `claudeAgent/visibleDocuments`: what the windows of this tab show.
---@type lsp.Handler
function M.on_visible(_, _, ctx)
  local client = assert(vim.lsp.get_client_by_id(ctx.client_id))
  local function shows(win)
    return client.attached_buffers[vim.api.nvim_win_get_buf(win)]
  end
  local active = vim.api.nvim_get_current_win()
  if not shows(active) then -- the conversation, say
    active = vim.fn.win_getid(vim.fn.winnr('#'))
  end
  local documents = {}
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if shows(win) then
      table.insert(documents, {
        uri = vim.uri_from_bufnr(vim.api.nvim_win_get_buf(win)),
        active = win == active,
        selection = selection(win, client.offset_encoding),
      })
    end
  end
  return { documents = documents }
end

--- What is asked of a client: places counted as it counts.
---@param params table
---@param buf integer?
---@param from string
---@param to string
---@return table
local function for_client(params, buf, from, to)
  local at = params.position
  if not (at and buf) then
    return params
  end
  local line = vim.api.nvim_buf_get_lines(buf, at.line, at.line + 1, false)[1] or ''
  local col = vim.str_byteindex(line, from, at.character, false)
  return vim.tbl_extend('force', params, { position = position(buf, at.line, col, to) })
end

--- The buffer that a request is about, if it is loaded.
---@param params table
---@return integer? buf
---@return boolean known Whether language servers can answer.
local function buffer_of(params)
  if not params.textDocument then
    return nil, true
  end
  local name = vim.uri_to_fname(params.textDocument.uri)
  local buf = vim.iter(vim.api.nvim_list_bufs()):find(function(each)
    return vim.api.nvim_buf_is_loaded(each) and vim.api.nvim_buf_get_name(each) == name
  end)
  return buf, buf ~= nil
end

--- Asks all language servers but this one, and calls back with their answers.
---@param asked { method: string, params: table }
---@param own vim.lsp.Client
---@param callback fun(answers: table[])
local function ask_all(asked, own, callback)
  local buf, known = buffer_of(asked.params)
  local clients = known and vim.lsp.get_clients({ bufnr = buf, method = asked.method }) or {}
  clients = vim.tbl_filter(function(client)
    return client.name ~= NAME
  end, clients)
  local answers, left, requests = {}, #clients, {}
  local function done()
    if left >= 0 then
      left = -1
      for id, client in pairs(requests) do
        client:cancel_request(id)
      end
      callback(answers)
    end
  end
  if left == 0 then
    return done()
  end
  for _, client in ipairs(clients) do
    local params = for_client(asked.params, buf, own.offset_encoding, client.offset_encoding)
    local sent, id = client:request(asked.method, params, function(err, result, ctx)
      requests[ctx.request_id or 0] = nil
      if left > 0 then
        table.insert(answers, {
          result = result,
          error = err and err.message,
          positionEncoding = client.offset_encoding,
        })
        left = left - 1
        if left == 0 then
          done()
        end
      end
    end, buf)
    if sent and id then
      requests[id] = client
    else
      left = left - 1
    end
  end
  if left == 0 then
    return done()
  end
  vim.defer_fn(done, ANSWER_MS)
end

--- `claudeAgent/language`: what other language servers answer to a request of LSP.
---@type lsp.Handler
function M.on_language(_, asked, ctx)
  local co = assert(coroutine.running())
  local own = assert(vim.lsp.get_client_by_id(ctx.client_id))
  vim.schedule(function()
    local good, why = pcall(ask_all, asked, own, function(answers)
      vim.schedule(function()
        coroutine.resume(co, { answers = answers })
      end)
    end)
    if not good then
      coroutine.resume(co, { answers = { { error = tostring(why) } } })
    end
  end)
  return coroutine.yield()
end

return M
