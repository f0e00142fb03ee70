--- Whether the user's keys are meant for something else: no question takes them then.

local api = vim.api
local M = {}

--- How long nobody may have hit a key, and a question must have been seen.
local REST_MS = 500
local LOOK_MS = 50

---@return number
local function now()
  return vim.uv.hrtime() / 1e6
end

--- Calls back with each key that is hit, mapped or fed; a mouse and Neovim's own events are none.
---@param callback fun()
---@return fun() stop
local function on_key(callback)
  local namespace = api.nvim_create_namespace('')
  vim.on_key(function(key)
    if key ~= '' and not vim.startswith(key, '\128\253') then
      callback()
    end
  end, namespace)
  return function()
    vim.on_key(nil, namespace)
  end
end

--- Whether what is hit next can't be a part of something that has been begun.
---@return boolean
local function at_rest()
  local mode = api.nvim_get_mode()
  return (mode.mode == 'n' or mode.mode == 'nt')
    and not mode.blocking
    and vim.fn.getcmdwintype() == ''
    and vim.fn.reg_executing() == ''
    and vim.fn.reg_recording() == ''
    and vim.fn.getchar(1) == 0
end

--- Calls back once the user is in Normal mode and has hit no key for half a second.
---@param check fun(callback: fun(wanted: boolean)) Asked then whether it still is to.
---@param callback fun()
---@return fun() stop
function M.wait(check, callback)
  local since, checking, over = now(), false, false
  local timer = assert(vim.uv.new_timer())
  local stop_keys = on_key(function()
    since = now()
  end)
  local function rested()
    -- Without a screen there is nobody who could type.
    return #api.nvim_list_uis() == 0 or (now() - since >= REST_MS and at_rest())
  end
  local function stop()
    if not over then
      over = true
      timer:close()
      stop_keys()
    end
  end
  local function look()
    if over or checking or not rested() then
      return
    end
    checking = true
    check(function(wanted)
      checking = false
      if over then
        return
      elseif not wanted then
        stop()
      elseif rested() then
        stop()
        callback()
      end
    end)
  end
  timer:start(LOOK_MS, LOOK_MS, vim.schedule_wrap(look))
  look()
  return stop
end

--- Looks at the keys from now on.
---@return fun(): boolean hasty Whether one was hit within half a second; looks no longer.
function M.watch()
  local began, hasty = now(), false
  local stop = on_key(function()
    hasty = hasty or now() - began < REST_MS
  end)
  return function()
    stop()
    return hasty and #api.nvim_list_uis() > 0
  end
end

return M
