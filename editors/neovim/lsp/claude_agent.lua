---@type vim.lsp.Config
return {
  cmd = { 'claude-agent-lsp' },
  root_markers = { '.git' },
  handlers = {
    ['$/progress'] = function(...)
      return require('claude_agent.events').on_progress(...)
    end,
    ['window/showMessageRequest'] = function(...)
      return require('claude_agent.questions').on_message_request(...)
    end,
  },
  on_exit = function(_, _, client_id)
    vim.schedule(function()
      require('claude_agent.events').on_exit(client_id)
    end)
  end,
}
