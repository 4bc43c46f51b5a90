-- SPDX-License-Identifier: GPL-2.0-or-later
-- Each file of tests/hostile is the main chunk of a pack that means harm. Its first line says how, its second one how it ends:
-- budget (instructions or time), memory, limit (one of these), error, done, any. Whatever it does, it ends in bounded time, and
-- the state can be entered afterwards.
local core = require "rnm.core"

local EDQUOT, ETIME, ENOMEM, ENOEXEC = -122, -62, -12, -8
local ends = {
  budget = { [EDQUOT] = true, [ETIME] = true },
  memory = { [ENOMEM] = true },
  limit = { [EDQUOT] = true, [ETIME] = true, [ENOMEM] = true },
  error = { [ENOEXEC] = true },
  done = { [0] = true },
  any = { [0] = true, [EDQUOT] = true, [ETIME] = true, [ENOMEM] = true, [ENOEXEC] = true },
}
local dir = debug.getinfo(1, "S").source:match "^@(.*/)" .. "../hostile/"
local slack = (os.getenv "RNM_BUILD" or ""):match "/san$" and 10 or 1 -- sanitizers are slow

local function files()
  local list = {}
  for name in require "lfs".dir(dir) do
    if name:match "%.lua$" then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function attack(name, limits)
  local f = assert(io.open(dir .. name))
  local code = f:read "a"
  f:close()
  local want = code:match "%-%- ends: (%w+)"
  assert(ends[want], name .. " does not say how it ends")
  -- Time is measured as the processor's, because machines that run tests are busy; so what ends by itself gets more of the clock.
  limits.wall_ms = (want == "done" or want == "error" or want == "memory") and 2000 or 100
  local vm = core.script.vm(limits)
  local result
  local log = core.script.logged(function ()
    local start = os.clock()
    result = table.pack(vm:run(code, name))
    result.time = os.clock() - start
  end)
  local code_ = result[1] and 0 or result[2]
  assert(ends[want][code_], ("%s ended with %s, not with %s: %s"):format(name, code_, want, tostring(result[3])))
  assert(result.time < 0.3 * slack, ("%s ran for %.3f s"):format(name, result.time))
  assert(#log < 1 << 20, "it flooded the log")
  if code_ ~= 0 then assert(#result[3] > 10 and #result[3] < 16384) end
  -- The state goes on: an entry of its own budget, which also can call what the pack left behind.
  assert.same({ true, "3" }, { vm:run "return 1 + 2" })
  vm:gc()
  assert.is_true(vm:info().memory <= limits.memory)
  vm:free()
end

describe("hostile code", function ()
  for _, name in ipairs(files()) do
    it(name .. " ends within a hook's limits", function ()
      attack(name, { memory = 64 << 20, instructions = 10000000 })
    end)
    it(name .. " ends by the clock alone", function ()
      attack(name, { memory = 64 << 20 })
    end)
  end
end)
