-- SPDX-License-Identifier: GPL-2.0-or-later
-- The ruleset is a function of the network's state, not of the history: whatever happened, failed or was reloaded on the way,
-- it ends as a fresh start over the same network would make it, and a reload finds nothing to send.
local simulate = require "rnm.testing".simulate

local FLAKY = [[
  calm = rnm.state.calm
  local n = rnm.state.n or 7
  local function flaky(what)
    if calm then return end
    n = (n * 1103515245 + 12345) % 2147483648
    if n / 2147483648 < 0.15 then error("flaky " .. what) end
  end
  function on_message(ev) rnm.state.calm = true calm = true end
]]

local PACKS = {
  ["10-base"] = [[
    local t = nft.table("inet", "t")
    t:chain("in", { type = "filter", hook = "input", priority = 0, policy = "drop" }):rule("iifname vmap @zones"):rule("ip saddr @wan accept")
    t:set("wan", { type = "ipv4_addr", elements = net.addrs { zone = "wan" } })
    t:set("nets", { type = "ipv4_addr", flags = "interval", auto_merge = true, elements = net.addrs { family = "ipv4" }:map("network") })
    local zones = t:map("zones", { type = "ifname : verdict" })
    rnm.each(net.links { zone = "?*", up = true }, function (l)
      local c = t:chain("z-" .. l.zone .. "-" .. l.name)
      for _, a in ipairs(net.addrs { iface = l.name, family = "ipv4" }) do c:rule("ip daddr $a accept", { a = a }) end
      zones:add(l.name, "jump " .. c.name)
    end)
  ]],
  ["20-flaky"] = FLAKY .. [[
    local t = nft.table("inet", "u")
    local c = t:chain("c")
    local s = t:set("s", { type = "ipv4_addr" })
    local m = t:map("m", { type = "ifname : mark" })
    rnm.block(function ()
      local up = 0
      for _, l in ipairs(net.links { up = true }) do up = up + 1 c:rule("iifname $l accept", { l = l }) end
      flaky("block")
      c:rule("meta mark set $up", { up = up })
      rnm.block(function () local r = net.routes { dst = "default" }:first() flaky("inner") if r then c:rule("oifname $i accept", { i = r.iface }) end end)
    end)
    rnm.each(net.addrs { family = "ipv4" }, function (a)
      c:rule("ip saddr $a drop", { a = a })
      flaky("each")
      rnm.each(net.neighs { iface = a.iface }, function (nb) flaky("neigh") c:rule("ip daddr $n ip saddr $a drop", { n = nb, a = a }) end)
    end)
    function on_addr_change(ev)
      if ev.family ~= "ipv4" then return end
      if ev.action ~= "del" then s:add(ev.address) else s:del(ev.address) end
      flaky("hook")
      c:rule("ip daddr $a accept", { a = ev.address })
    end
    rnm.on("link_change", { up = true }, function (ev) if ev.action ~= "del" then m:add(ev.link.name, ev.link.mtu) flaky("link") end if ev.action == "del" then m:del(ev.link.name) end end)
  ]],
  ["30-rules"] = [[
    local c = nft.table("inet", "t"):chain("live")
    c:rule("ip saddr $lan accept", { lan = net.addrs { zone = "lan" } })
    c:rule("iifname $up accept", { up = net.links { up = true } })
    c:rule("ip saddr $hosts drop", { hosts = net.addrs { family = "ipv4" }:map(function (a) return net.host(a.network, "0.0.0.99") end) })
  ]],
}

-- A network of its own beside the simulation, to start a fresh one with.
local function network(seed)
  local rnd = seed
  local function random(n)
    rnd = (rnd * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    return (rnd >> 33) % n + 1
  end
  local self = { links = {}, random = random }
  local names = { "wan0", "wan1", "lan0", "lan1", "x0" }
  local function pick() return names[random(#names)] end
  local function step(sim)
    local name, what = pick(), random(10)
    local link = self.links[name]
    if not link then
      self.links[name] = { up = true, mtu = 1500, addrs = {}, neighs = {}, ifindex = #name * 100 + name:byte(1) + name:byte(-1) }
      sim:link_add(name, { up = true, mtu = 1500, ifindex = self.links[name].ifindex })
    elseif what == 1 then
      self.links[name] = nil
      sim:link_del(name)
      if self.route == name then self.route = nil end
    elseif what == 2 then
      link.up = not link.up
      sim:link_set(name, { up = link.up })
    elseif what == 3 then
      link.mtu = 1000 + random(5)
      sim:link_set(name, { mtu = link.mtu })
    elseif what <= 6 then
      local a = ("10.%d.%d.1/24"):format(random(3), random(4))
      if link.addrs[a] then sim:addr_del(name, a) else sim:addr_add(name, a) end
      link.addrs[a] = not link.addrs[a] or nil
    elseif what == 7 then
      local a = ("10.9.0.%d"):format(random(3))
      if link.neighs[a] then sim:neigh_del(name, a) else sim:neigh_add(name, a, { mac = "02:00:00:00:00:01" }) end
      link.neighs[a] = not link.neighs[a] or nil
    elseif what == 8 and link.up and not self.route then
      self.route = name
      sim:route_add { dst = "default", gateway = "10.0.0.254", link = name }
    elseif what == 9 and self.route then
      sim:route_del { dst = "default", gateway = "10.0.0.254", link = self.route }
      self.route = nil
    elseif what == 10 then
      sim:link_set(name, { mac = ("02:00:00:00:00:%02x"):format(random(9)) })
    end
  end
  function self.change(sim)
    if random(4) > 1 then return step(sim) end
    sim:backlog(function () for _ = 1, random(6) do step(sim) end end)
  end
  function self.feed(sim)
    for name, l in pairs(self.links) do
      sim:link_add(name, { up = l.up, mtu = l.mtu, ifindex = l.ifindex })
      for a in pairs(l.addrs) do sim:addr_add(name, a) end
      for a in pairs(l.neighs) do sim:neigh_add(name, a, { mac = "02:00:00:00:00:01" }) end
    end
    if self.route then sim:route_add { dst = "default", gateway = "10.0.0.254", link = self.route } end
  end
  return self
end

-- Sets that rnm names are numbered by their making.
local function plain(text) return (text:gsub("_rules_%d+", "_rules_N")) end

local function options(net)
  return { packs = PACKS, zones = { ["wan*"] = "wan", ["lan*"] = "lan" }, before = net and net.feed }
end

describe("the ruleset", function ()
  for seed = 1, 12 do
    it("is what a fresh start makes of the network, seed " .. seed, function ()
      local net = network(seed)
      local sim = simulate(options())
      for i = 1, 150 do
        net.change(sim)
        if i % 40 == 0 then sim:reload() end           -- may be refused: the pack is flaky
        if net.random(10) == 1 then sim:advance(net.random(5)) end
      end
      sim:emit "calm"
      sim:advance(130)
      for name, pack in pairs(sim:packs()) do assert.equal("running", pack.state, name .. ": " .. tostring(pack.last_error)) end
      local fresh = simulate(options(net))
      fresh:emit "calm"
      fresh:advance(130)
      local sent = #sim.batches
      assert.equal(plain(fresh:ruleset()), plain(sim:ruleset()))
      assert(sim:reload())
      assert.equal(sent, #sim.batches, sim.batches[#sim.batches].text)
      assert.equal("", sim:plan())
      sim:close()
      fresh:close()
    end)
  end
end)
