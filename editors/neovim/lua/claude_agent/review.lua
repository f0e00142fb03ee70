--- What the agent has changed, until the user has looked at it: marked, kept and taken back.

local client = require('claude_agent.client')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('claude_agent_review')
local GROUPS = { new = 'Added', changed = 'Changed', gone = 'Removed' }

---@class claude_agent.Hunk
---@field hunkId string
---@field range lsp.Range
---@field insertions integer
---@field deletions integer
---@field diff string
---@field runs { prompt?: string, at?: string }[]
---@field reason? string

-- The folders whose buffers are marked.
---@type table<string, true>
local marked = {}

---@param folder string
---@param name string
---@param argument table
---@param callback fun(result: table)
local function ask(folder, name, argument, callback)
  client.with(folder, function(server)
    client.command(server, name, argument, function(err, result)
      if err then
        client.tell(err)
      else
        callback(result)
      end
    end)
  end)
end

--- Has the server know a buffer, which it then changes where its file is to be changed.
---@param buf integer
local function attach(buf)
  if vim.bo[buf].buftype ~= '' or vim.api.nvim_buf_get_name(buf) == '' then
    return
  end
  client.with(client.folder(buf), function(server)
    vim.lsp.buf_attach_client(buf, server.id)
  end)
end

---@param folder string
---@return table
local function of_folder(folder)
  return { workspace = vim.uri_from_fname(folder) }
end

---@param hunk claude_agent.Hunk
---@return string
local function label(hunk)
  local run = hunk.runs[#hunk.runs] or {}
  local words = { run.prompt or 'Claude', ('+%d -%d'):format(hunk.insertions, hunk.deletions) }
  if hunk.reason then
    table.insert(words, "can't be taken back: " .. hunk.reason)
  end
  return table.concat(words, ', ')
end

--- Marks the lines of a hunk. The marks move with what is typed.
---@param buf integer
---@param hunk claude_agent.Hunk
local function mark(buf, hunk)
  local kind = hunk.insertions == 0 and 'gone' or hunk.deletions == 0 and 'new' or 'changed'
  local last = vim.api.nvim_buf_line_count(buf) - 1
  local first = math.min(hunk.range.start.line, last)
  for line = first, math.max(first, math.min(hunk.range['end'].line - 1, last)) do
    vim.api.nvim_buf_set_extmark(buf, NAMESPACE, line, 0, {
      sign_text = kind == 'gone' and '▔' or '▎',
      sign_hl_group = GROUPS[kind],
    })
  end
end

--- Marks what is to be looked at in the buffers of a folder, and no more what is not.
---@param folder string
---@param files table[]
local function show_marks(folder, files)
  local hunks = {}
  for _, file in ipairs(files) do
    hunks[file.uri] = vim.list_extend(hunks[file.uri] or {}, file.hunks)
  end
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buf)
    if vim.api.nvim_buf_is_loaded(buf) and name ~= '' and vim.fs.relpath(folder, name) then
      vim.api.nvim_buf_clear_namespace(buf, NAMESPACE, 0, -1)
      for _, hunk in ipairs(hunks[vim.uri_from_bufnr(buf)] or {}) do
        mark(buf, hunk)
      end
    end
  end
end

---@param folder string
local function refresh(folder)
  ask(folder, 'review.list', of_folder(folder), function(result)
    show_marks(folder, result.files)
  end)
end

--- Something else is to be looked at now.
---@param client_id integer
function M.on_changed(client_id)
  local server = vim.lsp.get_client_by_id(client_id)
  for _, each in ipairs(server and server.workspace_folders or {}) do
    local folder = vim.uri_to_fname(each.uri)
    if marked[folder] then
      refresh(folder)
    end
  end
end

--- Lists what is to be looked at in the folder of a buffer, and marks it.
---@param buf integer
function M.list(buf)
  local folder = client.folder(buf)
  attach(buf)
  marked[folder] = true
  ask(folder, 'review.list', of_folder(folder), function(result)
    local items = {}
    for _, file in ipairs(result.files) do
      for _, hunk in ipairs(file.hunks) do
        table.insert(items, {
          filename = vim.uri_to_fname(file.uri),
          lnum = hunk.range.start.line + 1,
          text = label(hunk),
        })
      end
    end
    show_marks(folder, result.files)
    vim.fn.setqflist({}, ' ', { title = 'Changed by Claude', items = items })
    if #items == 0 then
      client.notify('nothing is left to be looked at.')
      return
    end
    vim.cmd('botright copen')
  end)
end

--- Keeps or takes back what was changed in some lines of a buffer, or in all of it.
---@param name 'keep'|'undo'
---@param buf integer
---@param first integer? The first line, counted from 1; nil means the whole file.
---@param last integer?
function M.decide(name, buf, first, last)
  local folder, uri = client.folder(buf), vim.uri_from_bufnr(buf)
  attach(buf)
  ask(folder, 'review.list', { uri = uri }, function(result)
    local ids = {}
    for _, file in ipairs(result.files) do
      for _, hunk in ipairs(file.hunks) do
        local from = hunk.range.start.line + 1
        local to = math.max(hunk.range['end'].line, from)
        if not first or (from <= last and first <= to) then
          table.insert(ids, hunk.hunkId)
        end
      end
    end
    if #ids == 0 then
      client.notify('Claude has changed nothing here that is still to be looked at.')
      return
    end
    ask(folder, 'review.' .. name, { uri = uri, hunkIds = ids }, function(done)
      M.told(folder, name, #ids, done)
    end)
  end)
end

--- Takes the last undo back.
---@param buf integer
function M.redo(buf)
  local folder = client.folder(buf)
  ask(folder, 'review.redo', of_folder(folder), function(done)
    M.told(folder, 'redo', #done.filesChanged, done)
  end)
end

--- Tells what was done, and what was left alone.
---@param folder string
---@param name 'keep'|'undo'|'redo'
---@param count integer
---@param done table
function M.told(folder, name, count, done)
  require('claude_agent.files').check(folder)
  local words = { keep = '%d kept', undo = '%d taken back', redo = '%d done again' }
  local kept = {}
  for _, each in ipairs(done.kept or {}) do
    local file = vim.fn.fnamemodify(vim.uri_to_fname(each.uri), ':t')
    table.insert(kept, ('%s stays as it is: %s'):format(file, each.reason))
  end
  local text = table.concat({ words[name]:format(count - #kept), unpack(kept) }, '. ')
  client.notify(text .. '.', #kept > 0 and vim.log.levels.WARN or nil)
end

return M
