--- Sessions at work in other editors on this machine: seen growing, and taken over.

local client = require('claude_agent.client')

local M = {}

---@class claude_agent.Watched
---@field client_id integer The server that tells of it.
---@field session string
---@field run_id? string The run that was at work when it began to be watched.
---@field first? string The message that this begins with.

--- Watches a conversation's session, once for each server.
---@param talk claude_agent.Conversation
---@param server vim.lsp.Client
---@param callback fun(watched: claude_agent.Watched?)
function M.begin(talk, server, callback)
  local now = talk.watched
  if now and now.client_id == server.id and now.session == talk.session then
    callback(now)
    return
  end
  local watched = { client_id = server.id, session = talk.session }
  talk.watched = watched
  client.command(server, 'session.follow', { sessionId = talk.session }, function(err, found)
    if err then
      talk.watched = nil -- it is watched when it is shown again
    elseif found.run then
      watched.run_id, watched.first = found.run.runId, found.firstMessageId
    end
    callback(talk.watched)
  end)
end

--- Leaves out what the events of a watched run tell, too.
---@param messages table[] As they were read.
---@param watched claude_agent.Watched?
function M.cut(messages, watched)
  local at
  for place, message in ipairs(messages) do
    if watched and watched.first and message.messageId == watched.first then
      at = place
    end
  end
  for _ = at or #messages + 1, #messages do
    table.remove(messages)
  end
end

local LEAVE, TAKE = 'Leave it running', 'End it, and take over'

--- Has a conversation's run stopped in the editor in which it is at work; what runs in its
--- background ends only if the user says so.
---@param talk claude_agent.Conversation
---@param agreed? boolean
function M.take_over(talk, agreed)
  local argument = { sessionId = talk.session, endBackground = agreed or false }
  client.command(talk.server, 'session.takeOver', argument, function(err)
    local kept = err and type(err.data) == 'table' and err.data.keptFor
    if kept and not agreed then
      vim.ui.select({ LEAVE, TAKE }, { prompt = 'It would end: ' .. kept }, function(chosen)
        if chosen == TAKE then
          M.take_over(talk, true)
        end
      end)
    elseif err then
      client.tell(err)
    end
  end)
end

return M
