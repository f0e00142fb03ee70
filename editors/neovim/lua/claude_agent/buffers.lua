--- The files that the user has open: the server is told of each, and edits and saves them here.

local M = {}

-- What a buffer's file was like when it was last read or written here.
---@type table<integer, uv.fs_stat.result?>
local seen = {}
local following = false

---@param buf integer
---@return uv.fs_stat.result?
local function on_disk(buf)
  return (vim.uv.fs_stat(vim.api.nvim_buf_get_name(buf)))
end

--- Whether nobody else has changed a buffer's file since.
---@param buf integer
---@return boolean
function M.is_as_seen(buf)
  local was, is = seen[buf], on_disk(buf)
  if not (was and is) then
    return was == is
  end
  return was.size == is.size and vim.deep_equal(was.mtime, is.mtime)
end

---@param client vim.lsp.Client
---@param buf integer
---@return boolean
local function belongs(client, buf)
  local name = vim.api.nvim_buf_get_name(buf)
  return vim.iter(client.workspace_folders or {}):any(function(folder)
    return vim.fs.relpath(vim.uri_to_fname(folder.uri), name) ~= nil
  end)
end

--- Opens a buffer at the server, if it is a file that can be edited. What cannot be is the disk's.
---@param client vim.lsp.Client
---@param buf integer
local function open(client, buf)
  local options = vim.bo[buf]
  if
    vim.api.nvim_buf_is_loaded(buf)
    and options.buftype == ''
    and options.modifiable
    and not options.readonly
    and vim.api.nvim_buf_get_name(buf) ~= ''
    and not vim.lsp.buf_is_attached(buf, client.id)
    and belongs(client, buf)
  then
    vim.lsp.buf_attach_client(buf, client.id)
  end
end

---@return vim.lsp.Client[]
local function servers()
  return vim.lsp.get_clients({ name = require('claude_agent.client').NAME })
end

--- Tells a server what was typed, which Neovim gathers for a while.
---@param client vim.lsp.Client
function M.tell(client)
  -- Any notification sends what waits before it; this one asks for what is so anyway.
  client:notify('$/setTrace', { value = 'off' })
end

--- A server has started: it is told of what is open, and of what will be.
---@param client vim.lsp.Client
function M.follow(client)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) then
      seen[buf] = on_disk(buf)
      open(client, buf)
    end
  end
  if following then
    return
  end
  following = true
  local group = vim.api.nvim_create_augroup('claude_agent_buffers', {})
  local function on(events, pattern, act)
    vim.api.nvim_create_autocmd(events, {
      group = group,
      pattern = pattern,
      callback = function(event)
        act(event.buf)
      end,
    })
  end
  on({ 'BufReadPost', 'BufWritePost', 'FileChangedShellPost' }, '*', function(buf)
    seen[buf] = on_disk(buf)
  end)
  on({ 'BufReadPost', 'BufNewFile', 'BufFilePost', 'BufWritePost' }, '*', function(buf)
    vim.iter(servers()):each(function(each)
      open(each, buf)
    end)
  end)
  on('OptionSet', { 'readonly', 'modifiable', 'buftype' }, function()
    vim.iter(servers()):each(function(each)
      open(each, vim.api.nvim_get_current_buf())
    end)
  end)
  on({ 'BufUnload', 'BufWipeout' }, '*', function(buf)
    seen[buf] = nil
  end)
end

--- The buffer that a server means, if it still is as the server knows it.
---@param client vim.lsp.Client
---@param document { uri: string, version?: integer }
---@return integer?
local function known(client, document)
  local buf = vim.iter(pairs(client.attached_buffers)):find(function(each)
    return vim.api.nvim_buf_is_loaded(each) and vim.uri_from_bufnr(each) == document.uri
  end)
  return buf and vim.lsp.util.buf_versions[buf] == document.version and buf or nil
end

--- Makes what follows an undo step of its own, also while the user is typing.
---@param buf integer
local function break_undo(buf)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
end

---@param edits lsp.TextEdit[]
---@param buf integer
---@param encoding string
local function change(edits, buf, encoding)
  for _, edit in ipairs(edits) do
    edit.annotationId = nil -- Neovim would tell of each, and wait for a key
  end
  break_undo(buf)
  vim.lsp.util.apply_text_edits(edits, buf, encoding)
  break_undo(buf)
end

--- `workspace/applyEdit`: Neovim's own says that it has done what it refuses for its version.
---@type lsp.Handler
function M.on_edit(err, params, ctx)
  local client = assert(vim.lsp.get_client_by_id(ctx.client_id))
  local changes, bufs = params.edit.documentChanges or {}, {}
  for _, each in ipairs(changes) do
    local document = each.textDocument
    local versioned = not each.kind and document.version and document.version ~= vim.NIL
    if not versioned then
      return vim.lsp.handlers['workspace/applyEdit'](err, params, ctx)
    end
    local buf = known(client, document)
    if not buf or not vim.bo[buf].modifiable or vim.bo[buf].readonly then
      M.tell(client)
      local why = buf and 'The buffer is read-only.' or 'The buffer is another by now.'
      return { applied = false, failureReason = why }
    end
    table.insert(bufs, buf)
  end
  if #bufs == 0 then
    return vim.lsp.handlers['workspace/applyEdit'](err, params, ctx)
  end
  local done, why = true, nil
  for at, each in ipairs(changes) do
    if done then
      done, why = pcall(change, each.edits, bufs[at], client.offset_encoding)
    end
  end
  M.tell(client)
  return { applied = done, failureReason = why }
end

--- `claudeAgent/saveDocument`: writes a buffer as `:update` does, with its autocommands. A file
--- that somebody else has changed is left alone: Neovim would ask about it.
---@type lsp.Handler
function M.on_save(_, params, ctx)
  local client = assert(vim.lsp.get_client_by_id(ctx.client_id))
  local buf = known(client, params)
  if not buf or vim.bo[buf].readonly or not M.is_as_seen(buf) then
    return { saved = false }
  end
  local done = pcall(vim.api.nvim_buf_call, buf, function()
    vim.cmd('silent lockmarks update')
  end)
  M.tell(client)
  return { saved = done and not vim.bo[buf].modified }
end

return M
