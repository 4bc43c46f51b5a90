-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm.testing: the kernel's nf_tables in memory, and what others do to it.
local simulate = require "rnm.testing".simulate

local PACK = [[
  local t = nft.table("inet", "t")
  local s = t:set("s", { type = "ipv4_addr", elements = net.addrs { family = "ipv4" } })
  t:set("ranges", { type = "ipv4_addr", flags = "interval", elements = { "10.0.0.0/8", "192.168.0.0/16" } })
  t:map("m", { type = "inet_service : verdict", elements = { [80] = "accept" } })
  t:chain("in", { type = "filter", hook = "input", priority = 0, policy = "accept" })
   :rule("ip saddr @s accept"):rule("tcp dport { 22, 443 } accept"):rule("tcp dport vmap @m"):rule("counter drop")
  c = t:counter("hits", "packets 3 bytes 180")
  ban = t:set("ban", { type = "ipv4_addr", flags = "timeout" })
  rnm.on("message", { topic = "ban" }, function (ev) ban:add(ev.data.address, { timeout = "10m" }) end)
  heard = {}
  function on_nft_change(ev)
    local out = { ev.process, ev.pid, ev.generation and "gen" or "no gen" }
    for _, c in ipairs(ev.changes) do out[#out + 1] = ("%s %s %s %s %s %d"):format(c.action, c.kind, c.family, c.table, c.object or "-", c.count) end
    heard[#heard + 1] = table.concat(out, ", ")
  end
]]

local sim
local function start(opts)
  opts = opts or {}
  opts.packs = opts.packs or { p = PACK }
  opts.links = { eth0 = { addrs = { "192.0.2.1/24", "192.0.2.2/24" } } }
  sim = simulate(opts)
  sim:assert_clean()
  return sim
end
local function heard() return (assert(sim:eval("local t = table.concat(heard, '\\n') heard = {} return t", "p")):gsub("\n$", "")) end

describe("the simulated kernel", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("has what was committed", function ()
    start()
    assert.equal([[
table inet t {
	counter hits {
		packets 3 bytes 180
	}

	set s {
		type ipv4_addr
		elements = { 192.0.2.1, 192.0.2.2 }
	}

	set ranges {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8, 192.168.0.0/16 }
	}

	map m {
		type inet_service : verdict
		elements = { 80 : accept }
	}

	set ban {
		type ipv4_addr
		flags timeout
	}

	chain in {
		type filter hook input priority filter; policy accept;
		ip saddr @s accept comment "p:5"
		tcp dport { 22, 443 } accept comment "p:5"
		tcp dport vmap @m comment "p:5"
		counter packets 0 bytes 0 drop comment "p:5"
	}
}
]], sim:kernel())
    sim:addr_del("eth0", "192.0.2.1")
    assert.matches("elements = { 192.0.2.2 }", sim:kernel "inet t", 1, true)
  end)

  it("is read by sets and counters", function ()
    start()
    assert.equal("{ \"192.0.2.1\", \"192.0.2.2\" }\n", sim:eval("local l = nft.table('inet', 't'):set('s'):read() table.sort(l) return l", "p"))
    assert.equal("{ bytes = 180, packets = 3 }\n", sim:eval("c:read()", "p"))
  end)

  for what, done in pairs {
    ["flush ruleset"] = { "+ add table inet t", "del table inet t - 1" },
    ["delete table inet t"] = { "+ add table inet t", "del table inet t - 1" },
    ["flush chain inet t in"] = { '+ add rule inet t in ip saddr @s accept', "del rule inet t in 4" },
    ["delete element inet t s { 192.0.2.1 }"] = { "+ add element inet t s { 192.0.2.1 }", "del element inet t s 1" },
    ["add element inet t s { 203.0.113.1 }"] = { "- delete element inet t s { 203.0.113.1 }", "add element inet t s 1" },
    ["delete element inet t ranges { 10.0.0.0/8 }"] = { "+ add element inet t ranges { 10.0.0.0/8 }", "del element inet t ranges 2" },
    ["insert rule inet t in tcp dport 23 accept"] = { "- delete rule inet t in handle", "add rule inet t in 1" },
    ["add chain inet t mine"] = { "- delete chain inet t mine", "add chain inet t mine 1" },
    ["delete element inet t m { 80 }; add element inet t m { 80 : drop }"] = { "+ add element inet t m { 80 : accept }", "del element inet t m 1, add element inet t m 1" },
  } do
    it("is put right after " .. what, function ()
      start()
      local before = sim:kernel()
      sim:nft((what:gsub("; ", "\n")))
      assert.equal(1, #sim.batches, sim:last())
      assert.matches(done[1], sim:last(), 1, true)
      assert.equal("drift", sim.batches[1].origin)
      assert.equal(before, sim:kernel())
      local told = heard()
      assert.matches("^nft, 4242, gen, ", told)
      assert.matches(done[2], told, 1, true)
      assert.equal("", sim:plan())
    end)
  end

  it("tells who did it, and nothing of what is nobody's business", function ()
    start()
    sim:nft("table inet mine { chain c { } }", { process = "dockerd", pid = 7 })
    assert.equal("", heard())
    sim:nft("flush set inet t ban", { process = "dockerd", pid = 7 })
    assert.equal("", heard())
    sim:nft("flush set inet t s", { process = "dockerd", pid = 7 })
    assert.equal("dockerd, 7, gen, del element inet t s 2", heard())
    assert.matches("warn nft: dockerd[7]deleted 2 × element inet t s", (sim.errors[1]:gsub(" deleted", "deleted")), 1, true)
  end)

  it("refuses what does not fit it, and then has changed nothing", function ()
    start()
    local before = sim:kernel()
    for text, message in pairs {
      ["add chain inet nothing c"] = "nothing", ["delete element inet t s { 203.0.113.9 }"] = "the set has no such element",
      ["add table inet new\ndelete chain inet t none"] = "none", ["nonsense"] = "nonsense",
    } do
      local ok, err = pcall(sim.nft, sim, text)
      assert.is_false(ok, text)
      assert.matches(message, err, 1, true)
    end
    assert.equal(before, sim:kernel())
    sim:assert_batches(0)
  end)

  it("leaves foreign changes where drift is only to be told", function ()
    start { yaml = "drift: warn" }
    sim:nft "flush chain inet t in"
    sim:assert_batches(0)
    assert.matches("del rule inet t in 4", heard(), 1, true)
    assert(sim:reload())
    sim:assert_batches(1)
  end)

  it("has sets of others, which elements are attached to", function ()
    local blocked = "table inet fw { set block { type ipv4_addr; elements = { 198.51.100.1 } } }"
    start { packs = { p = [[
      local s = nft.attach("inet", "fw", "block")
      s:add("192.0.2.66")
      rnm.each(net.addrs { family = "ipv4" }, function (a) s:add(a.address) end)
    ]] } }
    assert.equal("", sim.start_batch)
    assert.matches("pending: block in inet fw", sim:status(), 1, true)
    sim:nft(blocked)
    assert.equal("+ add element inet fw block { 192.0.2.66, 192.0.2.1, 192.0.2.2 }\n", sim:last())
    assert.matches("elements = { 192.0.2.1, 192.0.2.2,%s+192.0.2.66, 198.51.100.1 }", sim:kernel())
    sim:addr_del("eth0", "192.0.2.1")
    assert.equal("- delete element inet fw block { 192.0.2.1 }\n", sim:last())
    sim:clear():nft("flush ruleset\n" .. blocked)
    assert.equal("+ add element inet fw block { 192.0.2.66, 192.0.2.2 }\n", sim:last())
    assert(sim:reload { packs = { p = "" } })
    assert.equal("- delete element inet fw block { 192.0.2.66, 192.0.2.2 }\n", sim:last())
    assert.matches("elements = { 198.51.100.1 }", sim:kernel(), 1, true)
  end)

  it("has tables of others before rnm starts, whose names it may not take", function ()
    sim = simulate { nft = "table inet t { }", packs = { p = [[nft.table("inet", "t"):chain("c"):rule("drop")]] } }
    assert.equal("", sim.start_batch)
    assert.matches("pending: table inet t: a table of this name exists and is not rnm's", sim:status(), 1, true)
    assert.not_matches("chain", sim:kernel(), 1, true)
  end)

  it("outlives rnm: an unchanged policy sends nothing", function ()
    start()
    sim:emit("ban", { address = "203.0.113.9" })
    sim:advance "4m"
    local before = sim:kernel()
    for _, opts in ipairs { {}, { kill = true } } do
      sim:clear():restart(opts)
      assert.equal("", sim.start_batch)
      assert.same({}, sim.batches)
      assert.equal((before:gsub(" expires %w+", "")), (sim:kernel():gsub(" expires %w+", "")))
    end
    sim:advance "5m59s"
    assert.is_true(sim:has("inet t ban", "203.0.113.9"))
    sim:advance "2s"
    assert.is_false(sim:has("inet t ban", "203.0.113.9"))
    sim:missed(function () sim:addr_del("eth0", "192.0.2.1") end):restart()
    assert.equal("- delete element inet t s { 192.0.2.1 }\n", sim.start_batch)
    sim:restart { packs = { p = "" } }
    assert.matches("- delete table inet t", sim.start_batch, 1, true)
    assert.equal("", sim:kernel())
    sim:assert_clean()
  end)

  it("lets a restart keep the state", function ()
    start { packs = { p = "rnm.state.starts = (rnm.state.starts or 0) + 1" } }
    sim:restart()
    assert.equal("2\n", sim:eval("rnm.state.starts", "p"))
  end)
end)
