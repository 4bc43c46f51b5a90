-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

-- The policy as it is shipped, with the file at a place that a test may write.
local function source(path)
  local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
  local f = assert(io.open(here .. "/../../policies/lists.lua"))
  local text = f:read "a"
  f:close()
  local n
  text, n = text:gsub('rnm%.file "[^"]*"', 'rnm.file "' .. path .. '"')
  assert(n == 1)
  return text
end

describe("policy lists", function ()
  local sim, dir, path
  local function write(text)
    local f = assert(io.open(path, "w"))
    f:write(text)
    f:close()
  end
  before_each(function ()
    local p = io.popen "mktemp -d /tmp/rnm-spec-XXXXXX"
    dir = p:read "l"
    p:close()
    path = dir .. "/drop.txt"
    write "198.51.100.0/24 # a network\n203.0.113.5\n"
    sim = simulate { packs = { lists = source(path) }, files = { lists = { path } } }
  end)
  after_each(function ()
    sim:close()
    os.execute("rm -rf " .. dir)
  end)

  it("follows the file by its differences", function ()
    assert.same({ "198.51.100.0/24", "203.0.113.5" }, sim:set "inet lists listed")
    write "198.51.100.0/24\n203.0.113.6\n"
    sim:file_changed(path)
    assert.equal("- delete element inet lists listed { 203.0.113.5 }\n+ add element inet lists listed { 203.0.113.6 }\n", sim.batches[1].text)
  end)

  it("keeps the last good list", function ()
    write "garbage!\n"
    sim:file_changed(path)
    os.remove(path)
    sim:file_changed(path)
    assert.same({ "198.51.100.0/24", "203.0.113.5" }, sim:set "inet lists listed")
    assert.equal(0, #sim.batches)
  end)

  it("bans on request, for an hour or as long as asked", function ()
    assert.equal(1, sim:emit("ban", { address = "192.0.2.1" }))
    sim:emit("ban", { address = "192.0.2.2", time = "10m" })
    assert.same({ "192.0.2.1 timeout 1h", "192.0.2.2 timeout 10m" }, sim:set "inet lists banned")
    sim:advance(601)
    assert.equal(0, sim:emit("unban", { address = "192.0.2.1" }))
    assert.equal("false true", (sim:eval("b = nft.table('inet', 'lists'):set('banned') return tostring(b:has '192.0.2.2') .. ' ' .. tostring(b:has '192.0.2.1')"):gsub("\n", "")))
  end)

  it("survives what is no address", function ()
    for _, bad in ipairs { "", "bogus", "10.0.0.0/8", "10.0.0.1 drop", "::1" } do sim:emit("ban", { address = bad }) end
    sim:emit("ban", {})
    assert.same({}, sim:set "inet lists banned")
    assert.equal("running", sim:packs().lists.state)
  end)
end)
