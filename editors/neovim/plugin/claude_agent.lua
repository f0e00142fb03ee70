-- Only what must be there at start-up: the rest is loaded with the first `:ClaudeAgent`.
if vim.g.loaded_claude_agent then
  return
end
vim.g.loaded_claude_agent = true

vim.api.nvim_create_user_command('ClaudeAgent', function(opts)
  require('claude_agent.command').run(opts)
end, {
  nargs = '*',
  range = true,
  bang = true,
  desc = 'Work with the Claude agent',
  complete = function(...)
    return require('claude_agent.command').complete(...)
  end,
})

vim.keymap.set('n', '<Plug>(claude-agent-ask)', '<Cmd>ClaudeAgent ask<CR>')
vim.keymap.set('x', '<Plug>(claude-agent-ask)', ':ClaudeAgent ask<CR>')
vim.keymap.set('n', '<Plug>(claude-agent-keep)', '<Cmd>ClaudeAgent keep<CR>')
vim.keymap.set('x', '<Plug>(claude-agent-keep)', ':ClaudeAgent keep<CR>')
vim.keymap.set('n', '<Plug>(claude-agent-undo)', '<Cmd>ClaudeAgent undo<CR>')
vim.keymap.set('x', '<Plug>(claude-agent-undo)', ':ClaudeAgent undo<CR>')
vim.keymap.set('n', '<Plug>(claude-agent-open)', '<Cmd>ClaudeAgent<CR>')
vim.keymap.set('n', '<Plug>(claude-agent-stop)', '<Cmd>ClaudeAgent stop<CR>')
vim.keymap.set('n', '<Plug>(claude-agent-answer)', '<Cmd>ClaudeAgent answer<CR>')
