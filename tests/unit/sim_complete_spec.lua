-- SPDX-License-Identifier: GPL-2.0-or-later
-- TAB at the prompt: what is offered, and that looking changes nothing.
local simulate = require "rnm.testing".simulate

local sim
local function words(text, pack)
  local list = sim:complete(text, pack)
  return table.concat(list, " ")
end

describe("completion", function ()
  setup(function ()
    sim = simulate {
      links = { eth0 = { zone = "wan", addrs = { "192.0.2.1/24" } }, eth1 = { zone = "lan" }, wg0 = {} },
      packs = { p = [[
        t = nft.table("inet", "own")
        chain = t:chain("input", { type = "filter", hook = "input", priority = 0 })
        blocked = t:set("blocked", { type = "ipv4_addr" })
        t:map("marks", { type = "ipv4_addr : mark" })
        t:counter("seen")
        nft.table("ip", "other"):chain("elsewhere")
        nft.table("inet", "odd"):set("block2", { type = "mark" })
        links = net.links {}
        cfg = rnm.config { server = "x", ports = { 80 } }
        rnm.state.mode = "a"
        rnm.state.deep = { level = { one = 1 } }
        handlers = { first = function () end, second = 2, nested = { inner = function () end } }
        setmetatable(handlers, { __index = function () error "looked" end, __pairs = function () error "looked" end })
        rnm.on("message", { topic = { "ban", "bless" } }, function () end)
        function report() end
      ]] } }
  end)
  teardown(function () sim:close() end)

  it("knows the API", function ()
    assert.equal("nft", words "nf")
    assert.equal("table template", words "nft.t")
    assert.equal("debug error info warn", words "rnm.log.")
    assert.equal("addrs", words "x = net.a")
    assert.equal("chain counter ct_expectation ct_helper ct_timeout", words [[nft.table("inet", "x"):c]])
    assert.equal("insert rule rules", words [[nft.table("inet", "x"):chain("y"):rule("accept"):]])
    assert.equal("add del follow has read replace", words [[local s = nft.table("inet", "x"):set "y" s:]])
    assert.equal("family", words([[nft.table("inet", "x").]]):match "family")
    assert.equal("first map where", words "net.addrs { zone = 'wan' }:")
    assert.equal("cancel refresh", words "b = rnm.block(function () end) b:")
    assert.same({ { "table" }, 11 }, { (function () local w, from = sim:complete "1 + 2, nft.ta" return w, from end)() } )
  end)

  it("knows values of the state", function ()
    assert.equal("report", words("rep", "p"):match "report")
    assert.equal("first nested second", words("handlers.", "p"))
    assert.equal("first", words("handlers:", "p"))
    assert.equal("inner", words("handlers.nested.", "p"))
    assert.equal("add del follow has read replace", words("blocked:", "p"))
    assert.equal("insert rule rules", words("chain:", "p"))
    assert.equal("ports server", words("cfg.", "p"))
    assert.equal("deep mode", words("rnm.state.", "p"))
    assert.equal("one", words("rnm.state.deep.level.", "p"))
    assert.equal("carrier", words("links:first().c", "p"))
    assert.equal("byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper", (words("_VERSION:", "p"):gsub(" dump", "")))
    assert.equal("", words("nothing.", "p"))
    assert.equal("", words("handlers.missing.x.", "p"))
  end)

  it("knows records and events", function ()
    assert.equal("mac master mtu", words "net.link('eth0').m")
    assert.equal("prefixlen", words("net.addrs {}:first().prefixl"))
    assert.equal("carrier", words "rnm.each(net.links {}, function (l) print(l.ca")
    assert.equal("prefixlen", words "rnm.on('addr_change', function (ev) local x = ev.prefixl")
    assert.equal("carrier", words "function on_link_change(ev) print(ev.link.ca")
    assert.equal("data", words "function on_message(e) if e.d")
    assert.equal("gateway", words "local q = net.routes {} for i = 1, 3 do local r = q[i] r.ga")
    assert.matches("^on_addr_change on_lease_change on_link_change", words "function on_")
  end)

  it("knows what fits into strings", function ()
    assert.equal("arp bridge inet ip ip6 netdev", words [[nft.table("]])
    assert.equal("inet", words [[nft.table "ine]])
    assert.equal("odd own", words [[nft.table("inet", "o]])
    assert.equal("other", words [[nft.table('ip', ']])
    assert.equal("input", words [[nft.table("inet", "own"):chain("]])
    assert.equal("blocked marks", words([[t:set("]], "p"))
    assert.equal("seen", words([[t:counter("]], "p"))
    assert.equal("block2 blocked marks", words [[x:set("]])
    assert.equal("eth0 eth1", words [[net.link("eth]])
    assert.equal("lan wan", words [[net.addrs { zone = "]])
    assert.equal("lan wan", words [[net.addrs { family = "ipv4", zone = { "wan", "]])
    assert.equal("192.0.2.1", words [[net.addrs { address = "192]])
    assert.equal("nft_change", words [[rnm.on("nf]])
    assert.equal("ban bless", words [[rnm.emit("b]])
    assert.equal("bless", words [[rnm.on("message", { topic = "bl]])
    assert.equal("add change del", words [[rnm.on("addr_change", { action = "]])
    assert.equal("set:add set:del", (words [[help("set:]]:gsub(" set:f.*", "")))
    assert.equal("ingress input", words [[t:chain("x", { type = "filter", hook = "in]])
    assert.equal("", words [[print("nft.]])
  end)

  it("knows the names of fields", function ()
    assert.equal("zone", words "net.addrs { z")
    assert.equal("policy priority", words "t:chain('x', { type = 'nat', p")
    assert.equal("iface ifindex", words "rnm.on('addr_change', { if")
    assert.equal("timeout", words [[blocked:add("x", { t]])
    assert.equal("topic", words [[rnm.on("message", { ]])
  end)

  it("offers nothing in comments, numbers and where it knows nothing", function ()
    for _, text in ipairs { "-- nft.", "--[[ nft.", "12", "1.", "f().", "(", ") nft.nothing.", "]].", "x = {}.y.", ".", ":" , "'unfinished nft." } do
      local list = sim:complete(text, "p")
      assert.is_true(#list == 0 or text == "(", text .. " " .. table.concat(list, " "))
    end
    sim:complete(("a,"):rep(8000) .. "b.")
    sim:complete(("("):rep(16000))
    sim:complete(("{"):rep(8000) .. "'")
    sim:complete(("x="):rep(8000) .. "x.")
    sim:complete("\0\xff\1" .. ("a.b:c"):rep(3000))
    assert.same({}, (sim:complete(("x"):rep(20000))))
    assert.equal("", (words("nf", "nowhere"):gsub("nft", "")))
  end)

  it("knows what the prompt's own commands take", function ()
    assert.equal("console p", words ":pack ")
    assert.equal("rnm.each rnm.emit rnm.every", words ":help rnm.e")
    assert.equal("all", words ":undo ")
    assert.equal("own", words ":list inet ow")
    assert.equal("blocked input marks seen", words ":why inet own ")
    assert.equal("192.0.2.1", words ":why 192.")
    assert.equal("ban bless", words ":emit ")
  end)

  it("bounds what it offers", function ()
    local c = simulate { packs = { p = "for i = 1, 5000 do _G['name' .. i] = i end" } }
    local list, _, more = c:complete("name", "p")
    assert.equal(300, #list)
    assert.equal(4700, more)
    c:close()
  end)

  it("leaves everything as it was", function ()
    assert.equal(0, #sim.batches)
    assert.is_nil(sim:packs().console)
    assert.same({}, sim:errors())
  end)
end)
