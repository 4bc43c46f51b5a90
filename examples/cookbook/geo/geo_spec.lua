-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("geo", function ()
  local sim, dir
  local function list(name, text)
    local f = assert(io.open(dir .. "/" .. name .. ".txt", "w"))
    f:write(text)
    f:close()
    if sim then sim:file_changed(dir .. "/" .. name .. ".txt") end
  end
  before_each(function ()
    local p = io.popen "mktemp -d /tmp/rnm-spec-XXXXXX"
    dir = p:read "l"
    p:close()
    list("allow4", "2.160.0.0/12\n5.1.0.0/16 # DE\n")
    list("allow6", "2a00::/29\n")
    list("block4", "198.51.100.0/24\n198.51.100.128/25\n")
    list("block6", "")
    local files = {}
    for _, n in ipairs { "allow4", "allow6", "block4", "block6" } do files[#files + 1] = ("%s/%s.txt"):format(dir, n) end
    sim = simulate { packs = { "geo.lua" }, config = { geo = { folder = dir } }, files = { geo = files } }
  end)
  after_each(function ()
    sim:close()
    sim = nil
    os.execute("rm -rf " .. dir)
  end)

  it("holds the lists, overlaps merged", function ()
    assert.same({ "2.160.0.0/12", "5.1.0.0/16" }, sim:set "inet geo allow4")
    assert.same({ "198.51.100.0/24" }, sim:set "inet geo block4")
    assert.same({}, sim:errors())
  end)

  it("sends only what differs", function ()
    list("allow4", "5.1.0.0/16\n2.160.0.0/12\n46.0.0.0/16\n")
    assert.equal("+ add element inet geo allow4 { 46.0.0.0/16 }\n", sim.batches[1].text)
  end)

  it("keeps the last good list", function ()
    list("allow4", "<html>502 Bad Gateway</html>\n")
    os.remove(dir .. "/block4.txt")
    sim:file_changed(dir .. "/block4.txt")
    assert.same({ "2.160.0.0/12", "5.1.0.0/16" }, sim:set "inet geo allow4")
    assert.same({ "198.51.100.0/24" }, sim:set "inet geo block4")
    assert.equal(0, #sim.batches)
    assert.equal(2, #sim:errors())
  end)
end)
