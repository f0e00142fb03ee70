-- How long Neovim's loop is held up: a timer that fires every 5 ms tells by how much it is late, and
-- what the process has worked in between. The second says what a block costs, however busy the
-- machine is.
local PERIOD = 5

local function worked()
  local usage = vim.uv.getrusage()
  local seconds = usage.utime.sec + usage.stime.sec
  return seconds * 1e3 + (usage.utime.usec + usage.stime.usec) / 1e3
end

local found = { late = {}, worked = {} }
local at, by

vim.uv.new_timer():start(0, PERIOD, function()
  local now, work = vim.uv.hrtime() / 1e6, worked()
  if at then
    table.insert(found.late, now - at - PERIOD)
    table.insert(found.worked, work - by)
  end
  at, by = now, work
end)

vim.api.nvim_create_user_command('TakeProbe', function(opts)
  local taken = found
  found = { late = {}, worked = {} }
  vim.fn.writefile({ vim.json.encode(taken) }, opts.args .. '.new')
  vim.uv.fs_rename(opts.args .. '.new', opts.args)
end, { nargs = 1 })

vim.api.nvim_create_user_command('WriteConversation', function(opts)
  local talk = require('claude_agent.conversation').of(0)
  local lines = vim.api.nvim_buf_get_lines(talk.page.buf, 0, -1, false)
  vim.fn.writefile(lines, opts.args .. '.new')
  vim.uv.fs_rename(opts.args .. '.new', opts.args)
end, { nargs = 1 })
