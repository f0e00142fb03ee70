--- What the user is looking at, as `claudeAgent.query` takes it.

local M = {}

---@class claude_agent.Selection
---@field buf integer
---@field first? integer The first selected line, from 1; nil if nothing is selected.
---@field last? integer

---@param selection claude_agent.Selection
---@return string[]
local function selected(selection)
  return vim.api.nvim_buf_get_lines(selection.buf, selection.first - 1, selection.last, false)
end

---@param selection claude_agent.Selection
---@return table[] # LSP's diagnostics of the selected lines.
local function diagnostics(selection)
  local found = vim.tbl_filter(function(each)
    return each.lnum + 1 >= selection.first and each.lnum + 1 <= selection.last
  end, vim.diagnostic.get(selection.buf))
  return vim.tbl_map(function(each)
    return {
      range = {
        start = { line = each.lnum, character = each.col },
        ['end'] = { line = each.end_lnum or each.lnum, character = each.end_col or each.col },
      },
      severity = each.severity,
      message = each.message,
      source = each.source,
      code = type(each.code) ~= 'table' and each.code or nil,
    }
  end, found)
end

--- Makes the fields of a query. The selected lines of what is not on the disk, or not as the user
--- sees it, go into the prompt: the server may not have that buffer.
---@param prompt string
---@param selection claude_agent.Selection
---@return string prompt
---@return table? context
---@return string? place What it is about, for the user: "src/app.py:3-9".
function M.of(prompt, selection)
  local buf = selection.buf
  local name = vim.api.nvim_buf_get_name(buf)
  local on_disk = vim.bo[buf].buftype == '' and name ~= '' and vim.uv.fs_stat(name) ~= nil
  if on_disk and vim.bo[buf].modified and (vim.o.autowrite or vim.o.autowriteall) then
    vim.api.nvim_buf_call(buf, function()
      vim.cmd('silent update')
    end)
  end

  if not selection.first then
    -- With nothing else sent, the CLI looks for a slash command in the prompt.
    if not on_disk or vim.startswith(prompt, '/') then
      return prompt
    end
    return prompt, { textDocument = { uri = vim.uri_from_bufnr(buf) } }
  end

  local place = ('%s:%d-%d'):format(
    name ~= '' and vim.fn.fnamemodify(name, ':~:.') or '[No Name]',
    selection.first,
    selection.last
  )
  if not on_disk or vim.bo[buf].modified then
    local fence = ('\n\n%s\n```%s\n'):format(place, vim.bo[buf].filetype)
    return prompt .. fence .. table.concat(selected(selection), '\n') .. '\n```', nil, place
  end
  local context = {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    range = {
      start = { line = selection.first - 1, character = 0 },
      ['end'] = { line = selection.last, character = 0 },
    },
  }
  local found = diagnostics(selection)
  if #found > 0 then
    context.diagnostics = found
  end
  return prompt, context, place
end

return M
