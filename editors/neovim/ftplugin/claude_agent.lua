-- The conversation's buffer. Change what you like in after/ftplugin/claude_agent.lua.
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = true

vim.bo.commentstring = ''
if not pcall(vim.treesitter.start, 0, 'markdown') then
  vim.bo.syntax = 'markdown'
end

if vim.g.no_plugin_maps or vim.g.no_claude_agent_maps then
  return
end

---@param keys string
---@param action fun()
---@param desc string
local function map(keys, action, desc)
  vim.keymap.set('n', keys, action, { buffer = 0, desc = 'Claude: ' .. desc })
end

map('<C-c>', function()
  require('claude_agent').stop()
end, 'stop')
map('<CR>', function()
  require('claude_agent').ask('')
end, 'ask')
map('S', function()
  require('claude_agent').ask('', { instead = true })
end, 'stop, and ask')
map('gf', function()
  require('claude_agent.files').open_under_cursor()
end, 'open the file under the cursor')
map(']]', function()
  require('claude_agent.turns').go(1)
end, 'next turn')
map('[[', function()
  require('claude_agent.turns').go(-1)
end, 'previous turn')
map('q', function()
  pcall(vim.api.nvim_win_close, 0, false)
end, 'close the window')
