-- SPDX-License-Identifier: GPL-2.0-or-later
-- Parts of rnm.state stand wherever a plain table stands.
local simulate = require "rnm.testing".simulate

describe("a part of rnm.state", function ()
  local sim
  local function start(source)
    sim = simulate { packs = { p = source .. '\nrnm.on("message", { topic = "put" }, function (ev) rnm.state.list = { ev.data.a, ev.data.b } end)' } }
    assert.equal("running", sim:packs().p.state, sim:packs().p.last_error)
  end
  after_each(function () sim:close() end)

  it("is a rule's value, and the block runs again when it changes", function ()
    start [[
      local c = nft.table("inet", "t"):chain("c")
      rnm.block(function () c:rule("ip saddr $list drop", { list = rnm.state.list or {} }) end)
    ]]
    sim:emit("put", { a = "192.0.2.1", b = "192.0.2.2" })
    assert.matches("ip saddr { 192.0.2.1, 192.0.2.2 } drop", sim:ruleset(), 1, true)
    sim:emit("put", { a = "192.0.2.3" })
    assert.matches("ip saddr { 192.0.2.3 } drop", sim:ruleset(), 1, true)
    sim:emit("put", { a = "192.0.2.3" })
    assert.equal(2, #sim.batches)
  end)

  it("is all the values of a rule", function ()
    start [[
      local c = nft.table("inet", "t"):chain("c")
      rnm.state.p = { host = "192.0.2.1", ports = { 80, 443 }, map = { ["192.0.2.1"] = 1, ["192.0.2.2"] = 2 } }
      rnm.block(function () c:rule("ip saddr $host tcp dport $ports meta mark set ip daddr map $map", rnm.state.p) end)
    ]]
    assert.matches("ip saddr 192.0.2.1 tcp dport { 80, 443 } meta mark set ip daddr map { 192.0.2.1 : 1, 192.0.2.2 : 2 }", sim:ruleset(), 1, true)
  end)

  it("is a set's elements", function ()
    start [[
      local t = nft.table("inet", "t")
      rnm.block(function ()
        t:set("a", { type = "ipv4_addr", elements = rnm.state.list or {} })
        t:set("b", { type = "ipv4_addr" }):replace(rnm.state.list or {})
        t:set("c", { type = "ipv4_addr", flags = "timeout", elements = rnm.state.timed or {} })
        t:map("m", { type = "ipv4_addr : mark", elements = rnm.state.map or {} })
      end)
      rnm.state.timed = { { "192.0.2.9", timeout = "1h" } }
      rnm.state.map = { ["192.0.2.1"] = 1 }
    ]]
    sim:emit("put", { a = "192.0.2.1", b = "192.0.2.2" })
    for _, name in ipairs { "a", "b" } do assert.same({ "192.0.2.1", "192.0.2.2" }, sim:set("inet t " .. name)) end
    assert.same({ "192.0.2.9 timeout 1h" }, sim:set "inet t c")
    assert.same({ "192.0.2.1 : 0x00000001" }, sim:set "inet t m")
  end)

  it("is the data of a message", function ()
    start [[
      rnm.state.data = { a = "1", b = 2 }
      rnm.on("message", { topic = "go" }, function () rnm.emit("put", rnm.state.data) end)
    ]]
    sim:emit "go"
    assert.equal("1 2", (sim:eval("rnm.state.list[1] .. ' ' .. rnm.state.list[2]", "p"):gsub("\n", "")))
  end)

  it("is no value where it holds none", function ()
    start "rnm.state.bad = { { { {} } } }"
    for code, message in pairs {
      ['nft.table("inet", "t"):chain("c"):rule("ip saddr $l drop", { l = rnm.state.bad })'] = "$l",
      ['nft.table("inet", "t"):chain("c"):rule("ip saddr $l drop", { l = rnm.state })'] = "$l",
      ['nft.table("inet", "t"):set("s", { type = "ipv4_addr", elements = rnm.state.bad })'] = "elements",
    } do
      local out, err = sim:eval(code, "p")
      assert.is_nil(out)
      assert.matches(message, err, 1, true)
    end
  end)
end)
