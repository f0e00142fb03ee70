---@type vim.lsp.Config
return {
  cmd = { 'claude-agent-lsp' },
  root_markers = { '.git' },
  capabilities = {
    workspace = { workspaceEdit = { documentChanges = true } },
    experimental = {
      claudeAgent = {
        diagnostics = true,
        language = true,
        questions = true,
        reviewEvents = true,
        saveDocument = true,
        sessionEvents = true,
        subagentText = true,
        visibleDocuments = true,
      },
    },
  },
  commands = {
    ['claudeAgent.ask'] = function(command, ctx)
      require('claude_agent.code').ask(command, ctx)
    end,
  },
  handlers = {
    ['$/progress'] = function(...)
      return require('claude_agent.events').on_progress(...)
    end,
    ['claudeAgent/runChanged'] = function(_, run, ctx)
      require('claude_agent.conversation').on_run(run, ctx.client_id)
    end,
    ['claudeAgent/queueChanged'] = function(_, params)
      require('claude_agent.queue').on_changed(params)
    end,
    ['claudeAgent/reviewChanged'] = function(_, _, ctx)
      require('claude_agent.review').on_changed(ctx.client_id)
    end,
    ['claudeAgent/sessionChanged'] = function() end,
    ['claudeAgent/taskChanged'] = function() end,
    ['claudeAgent/question'] = function(...)
      return require('claude_agent.questions').on_question(...)
    end,
    ['claudeAgent/language'] = function(...)
      return require('claude_agent.knowledge').on_language(...)
    end,
    ['claudeAgent/visibleDocuments'] = function(...)
      return require('claude_agent.knowledge').on_visible(...)
    end,
    ['claudeAgent/saveDocument'] = function(...)
      return require('claude_agent.buffers').on_save(...)
    end,
    ['workspace/applyEdit'] = function(...)
      return require('claude_agent.buffers').on_edit(...)
    end,
  },
  on_init = function(client)
    require('claude_agent.buffers').follow(client)
    require('claude_agent.knowledge').follow()
  end,
  on_exit = function(_, _, client_id)
    vim.schedule(function()
      require('claude_agent.events').on_exit(client_id)
    end)
  end,
}
