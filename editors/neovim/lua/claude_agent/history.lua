--- What was said in a session earlier, as the lines of its page.

local tools = require('claude_agent.tools')

local M = {}

local PAGE = 1000

---@param messages table[] As `claudeAgent.session.read` has them.
---@param folder string
---@return string[] lines
---@return [integer, integer][] blocks The first and last lines of what is to be folded.
function M.render(messages, folder)
  local lines, blocks = {}, {}
  local speaker, last_call

  local function add(text)
    vim.list_extend(lines, text)
  end
  local function folded(title, body)
    add({ tools.SIGN .. title })
    add(body)
    table.insert(blocks, { #lines - #body, #lines })
  end
  local function gap()
    if #lines > 0 and lines[#lines] ~= '' then
      add({ '' })
    end
  end

  for _, message in ipairs(messages) do
    local who = message.role == 'user' and 'You' or 'Claude'
    if who ~= speaker or who == 'You' then
      gap()
      add({ '## ' .. who, '' })
      speaker = who
    end
    if message.thinking then
      gap()
      folded('Thinking', tools.lines(message.thinking))
    end
    if message.text ~= '' then
      gap()
      add(tools.lines(message.text))
    end
    -- Calls stand below one another, whichever messages they are in.
    if #message.toolCalls > 0 and #lines ~= last_call then
      gap()
    end
    for _, call in ipairs(message.toolCalls) do
      local said = call.text and tools.lines(call.text) or {}
      local outcome = call.status and tools.outcome(call.status, said) or ''
      folded(
        tools.title(call.tool, call.input, folder) .. outcome,
        vim.list_extend(tools.given(call.input), said)
      )
      last_call = #lines
    end
  end
  gap()
  return lines, blocks
end

--- Reads all that was said.
---@param server vim.lsp.Client
---@param session_id string
---@param callback fun(session: table?, messages: table[])
function M.read(server, session_id, callback)
  local messages = {}
  local function next_page(cursor)
    local argument = { sessionId = session_id, limit = PAGE, cursor = cursor }
    require('claude_agent.client').command(server, 'session.read', argument, function(err, result)
      if err then
        callback(nil, messages)
        return
      end
      vim.list_extend(messages, result.messages)
      if result.nextCursor then
        next_page(result.nextCursor)
      else
        callback(result.session, messages)
      end
    end)
  end
  next_page()
end

return M
