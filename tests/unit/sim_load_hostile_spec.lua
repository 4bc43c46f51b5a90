-- SPDX-License-Identifier: GPL-2.0-or-later
-- Packs that mean harm through whole files, templates and objects, within a pack's ordinary limits: each ends soon, in an error
-- that is told, without much memory, and the pack beside it goes on.
local simulate = require "rnm.testing".simulate

local dir = debug.getinfo(1, "S").source:match "^@(.*/)" .. "../hostile/"
local slack = (os.getenv "RNM_BUILD" or ""):match "/san$" and 15 or 1
local good = 'nft.table("inet", "good"):set("s", { type = "ipv4_addr", elements = net.addrs { iface = "eth0" } })'

local function memory(field)
  for line in io.lines "/proc/self/status" do
    local k = line:match("^" .. field .. ":%s+(%d+)")
    if k then return tonumber(k) end
  end
end

local function attack(packs, seconds)
  local before, start = memory "VmRSS", os.clock()
  packs.good = good
  local sim = simulate { packs = packs, links = { eth0 = {} }, limits = { main_time = "5s" } }
  local took = os.clock() - start
  local peak = memory "VmHWM"
  local p = sim:packs()
  for name in pairs(packs) do
    assert.equal(name == "good" and "running" or "failed", p[name].state, name)
  end
  sim:addr_add("eth0", "10.0.0.1/8")
  assert.same({ "10.0.0.1" }, sim:set "inet good s")
  local message = p.bad.last_error
  sim:close()
  assert.is_true(#message > 10 and #message < 5000, "a message of " .. #message .. " bytes")
  assert.is_true(took < (seconds or 2) * slack, ("it took %.2f s"):format(took))
  assert.is_true(slack > 1 or peak - before < 768 << 10, ("%d MiB more"):format((peak - before) >> 10))
  return message
end

describe("a hostile pack", function ()
  local names = {}
  for name in require "lfs".dir(dir) do
    if name:match "^nft_.*%.lua$" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    it(name .. " ends within a pack's limits", function ()
      local f = assert(io.open(dir .. name))
      local code = f:read "a"
      f:close()
      attack { bad = code }
    end)
  end

  it("whose text is everywhere in its file ends", function ()
    attack { bad = "local t = '" .. ("a"):rep(200000) .. "'\nnft.load(t:sub(1, 100000))" }
  end)

  it("whose files include each other ends", function ()
    local message = attack { bad = { ["init.lua"] = 'nft.template "a.nft"', ["a.nft"] = 'include "b.nft"\ninclude "b.nft"\n', ["b.nft"] = 'include "a.nft"\ninclude "a.nft"\n' } }
    assert.matches("does one include itself", message, 1, true)
    local files = { ["init.lua"] = 'nft.template "0.nft"' }
    for i = 0, 14 do files[i .. ".nft"] = ('include "%d.nft"\n'):format(i + 1):rep(10) end
    files["15.nft"] = "table ip t { }\n"
    assert.matches("more than 1024 files are included", attack { bad = files }, 1, true)
  end)
end)
