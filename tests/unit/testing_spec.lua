-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm.testing: what specs of policies are written with.
local testing = require "rnm.testing"
local simulate = testing.simulate

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."

local PACK = [[
  local t = nft.table("inet", "t")
  t:chain("in", { type = "filter", hook = "input", priority = 0, policy = "accept", comment = "x" })
   :rule("ip saddr @lan accept"):rule("ip saddr @ban drop")
  t:chain("empty")
  t:set("lan", { type = "ipv4_addr", elements = net.addrs { family = "ipv4" } })
  ban = t:set("ban", { type = "ipv4_addr", flags = "timeout" })
  m = t:map("m", { type = "inet_service : verdict", elements = { [80] = "accept", [443] = "drop" } })
  rnm.on("message", { topic = "ban" }, function (ev) ban:add(ev.data.address, { timeout = "10m" }) end)
]]

local sim
local function start(opts)
  opts = opts or {}
  opts.packs = opts.packs or { p = PACK }
  opts.links = opts.links or { eth0 = {} }
  sim = simulate(opts)
  return sim
end
local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok, message)
  assert.matches(message, err, 1, true)
  return err
end

describe("rnm.testing", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("shows sets, maps, chains and rules", function ()
    start()
    sim:addr_add("eth0", "192.0.2.1/24")
    assert.same({ "192.0.2.1" }, sim:set "inet t lan")
    assert.is_true(sim:has("inet t lan", "192.0.2.1"))
    assert.is_false(sim:has("inet t lan", "192.0.2.2"))
    assert.same({ ["80"] = "accept", ["443"] = "drop" }, sim:map "inet t m")
    assert.same({ "ip saddr @lan accept", "ip saddr @ban drop" }, sim:rules "inet t in")
    assert.same({}, sim:rules "inet t empty")
    assert.same({ "192.0.2.1" }, sim:set("inet", "t", "lan"))
    assert.same(sim:rules "inet t in", sim:rules("inet", "t", "in"))
    assert.matches("chain in {", sim:chain "inet t in", 1, true)
    assert.not_matches("set lan", sim:chain "inet t in", 1, true)
    fails("inet t lna", function () sim:set "inet t lna" end)
    fails('rules: expected "FAMILY TABLE CHAIN", got "t in"', function () sim:rules "t in" end)
  end)

  it("shows batches and plans", function ()
    start()
    assert.matches("+ add table inet t", sim.start_batch, 1, true)
    assert.equal(0, #sim.batches)
    assert.equal("", sim:last())
    sim:addr_add("eth0", "192.0.2.1/24")
    assert.equal("+ add element inet t lan { 192.0.2.1 }\n", sim:last())
    assert.equal("", sim:plan())
    sim:emit("ban", { address = "203.0.113.9" })
    assert.equal("message", sim.batches[2].origin)
    assert.equal("ban", sim.batches[2].event)
    assert.equal(sim, sim:clear())
    assert.same({}, sim.batches)
    sim:addr_flush "eth0"
    assert.equal(1, #sim.batches)
  end)

  it("demands", function ()
    start()
    sim:addr_add("eth0", "192.0.2.1/24")
    sim:assert_set("inet t lan", { "192.0.2.1" }):assert_map("inet t m", { [80] = "accept", [443] = "drop" }):assert_set("inet t ban", {})
    sim:assert_rule("inet t in", "@lan accept"):assert_no_rule("inet t in", "@wan"):assert_ruleset "set ban {"
    sim:assert_batches(1):assert_plan "  + add element inet t lan { 192.0.2.1 }":assert_clean()
    local err = fails("inet t lan is not as expected (- missing, + too much):\n  - 192.0.2.9\n  + 192.0.2.1\n", sim.assert_set, sim, "inet t lan", { "192.0.2.9" })
    assert.is_truthy(err)
    fails("  - 80 : drop\n  + 443 : drop\n  + 80 : accept\n", sim.assert_map, sim, "inet t m", { [80] = "drop" })
    fails('no rule of inet t in has "@wan"; they are:\n  ip saddr @lan accept\n  ip saddr @ban drop', sim.assert_rule, sim, "inet t in", "@wan")
    fails('a rule of inet t in has "@lan"', sim.assert_no_rule, sim, "inet t in", "@lan")
    fails('the ruleset has no "set nothing"; it is:\n  table inet t {', sim.assert_ruleset, sim, "set nothing")
    fails("1 batches were sent, not 0:\n  1 (event: addr add eth0 192.0.2.1/24", sim.assert_batches, sim, 0)
    fails("- + add element inet t lan { 192.0.2.2 }\n  + + add element inet t lan { 192.0.2.1 }", sim.assert_plan, sim, "+ add element inet t lan { 192.0.2.2 }")
    sim:emit("ban", { address = "nonsense" })
    assert(not sim:eval "error 'x'")
    sim:assert_clean()
    start { packs = { p = "rnm.log.warn('careful') function on_message() error 'boom' end", q = "x" } }
    sim:emit "any"
    fails("not all is well:\n  warn pack: p: careful\n  error", sim.assert_clean, sim)
    fails("pack q is failed: ", sim.assert_clean, sim)
  end)

  it("tells errors at the spec's line", function ()
    start()
    local line = debug.getinfo(1, "l").currentline + 1
    assert.matches("testing_spec.lua:" .. line .. ": rnm.testing: there is no link eth1", fails("eth1", function () sim:addr_add("eth1", "192.0.2.1/24") end), 1, true)
  end)

  it("keeps log lines and errors, as fields and as functions", function ()
    start { packs = { p = "rnm.log.info('hello') function on_message(ev) rnm.log.warn(ev.topic) end" } }
    assert.same({}, sim.errors)
    sim:emit "careful"
    assert.same({ "warn pack: p: careful" }, sim.errors)
    assert.same(sim.errors, sim:errors())
    assert.equal("info pack: p: hello", sim.log[1])
    assert.equal(#sim.log, #sim:log())
  end)

  it("lets time pass", function ()
    start { time = "2026-01-05 07:59", packs = { p = PACK .. [[
      n = 0
      rnm.every("10m", function () n = n + 1 end)
      function now() return os.date("%H:%M") end
    ]] } }
    assert.equal("07:59\n", sim:eval("now()", "p"))
    sim:emit("ban", { address = "203.0.113.9" })
    sim:advance "9m"
    assert.same({ "203.0.113.9 timeout 10m" }, { (sim:set("inet t ban")[1]:gsub(" expires.*", "")) })
    sim:advance(60)
    sim:advance(1.5)
    assert.same({}, sim:set "inet t ban")
    assert.equal("08:09 1\n", sim:eval("now() .. ' ' .. n", "p"))
    assert.equal("08:09", os.date("%H:%M", sim:time() // 1))
    sim:time "2026-06-01 12:00:30"
    assert.equal("12:00\n", sim:eval("now()", "p"))
    assert.equal("true\n", sim:eval("math.abs(os.time() - " .. os.time { year = 2026, month = 6, day = 1, hour = 12, sec = 30 } .. ") < 3", "p"))
    fails("no duration", function () sim:advance "soon" end)
    fails("no duration", function () sim:advance(-1) end)
    fails("x is no time", function () sim:time "x" end)
  end)

  it("has list files of its own, wherever a policy looks for them", function ()
    start {
      packs = { p = [[local t = nft.table("inet", "t")
        t:set("s", { type = "ipv4_addr", elements = rnm.file "/var/lib/no-such/list" })]],
        f = { ["init.lua"] = [[nft.table("inet", "t"):set("f", { type = "inet_service", elements = rnm.file "ports" })]], ports = "80\n" } },
      files = { p = { "/var/lib/no-such/list" } }, lists = { ["/var/lib/no-such/list"] = "192.0.2.1\n" },
    }
    sim:assert_set("inet t s", { "192.0.2.1" }):assert_set("inet t f", { "80" }):assert_clean()
    sim:write_file("/var/lib/no-such/list", "192.0.2.2\n192.0.2.3\n")
    sim:write_file("f/ports", "443\n")
    sim:assert_set("inet t s", { "192.0.2.2", "192.0.2.3" }):assert_set("inet t f", { "443" }):assert_batches(2):assert_clean()
    sim:remove_file "/var/lib/no-such/list"
    sim:assert_set("inet t s", { "192.0.2.2", "192.0.2.3" })
    assert.matches("/var/lib/no-such/list: No such file or directory: the last good list stays", sim.errors[1], 1, true)
    assert.is_false(sim:file_changed "/nobody/reads/it")
  end)

  it("reloads with other packs and settings", function ()
    start { packs = { p = "cfg = rnm.config { n = 1 }" } }
    assert.equal("1\n", sim:eval("cfg.n", "p"))
    assert(sim:reload { config = { p = { n = 2 } } })
    assert.equal("2\n", sim:eval("cfg.n", "p"))
    local ok, err = sim:reload { packs = { p = "cfg = rnm.config { m = 1 }" } }
    assert.is_nil(ok)
    assert.matches("n", err)
    assert.equal("2\n", sim:eval("cfg.n", { pack = "p" }))
    fails("there is no option 'pack', did you mean 'packs'?", sim.reload, sim, { pack = {} })
  end)

  it("runs code, for good or only to see what it would do", function ()
    start()
    assert.equal("+ add element inet t ban { 203.0.113.1 }\n", (assert(sim:eval("ban:add '203.0.113.1'", { pack = "p", dry_run = true })):gsub("^true\n", ""):gsub("  #.*\n", "\n")))
    sim:assert_batches(0)
    assert.equal("true\n", sim:eval("ban:add '203.0.113.1'", "p"))
    sim:assert_batches(1)
  end)

  it("has a kernel that refuses what it is told to", function ()
    start()
    sim:refuse "192.0.2.66"
    sim:addr_add("eth0", "192.0.2.66/24")
    sim:assert_batches(0)
    assert.matches("the kernel refused", sim.errors[1], 1, true)
    sim:refuse(nil)
    assert(sim:reload())
    sim:assert_batches(1)
  end)

  it("finds packs by name, beside and above the spec, and those that come with rnm", function ()
    start { packs = { "wan" }, links = { eth0 = { zone = "wan" } } }
    assert.equal("running", sim:packs().wan.state)
    sim:close()
    start { packs = {}, yaml = "packs: { zones: { config: { log: true } } }" }
    assert.equal("running", sim:packs().zones.state)
    fails("there is no pack nowhere; looked for it in ", simulate, { packs = { "nowhere" } })
    fails("config: there is no pack 'wen', did you mean 'wan'?", simulate, { packs = { "wan" }, config = { wen = {} } })
    fails("simulate: there is no option 'link', did you mean 'links'?", simulate, { link = {} })
    fails("expected a table of options, got a string", simulate, "wan")
  end)

  it("tells of a configuration that is none", function ()
    fails("nonsense", simulate, { yaml = "nonsense: 1" })
  end)

  it("leaves nothing behind", function ()
    start()
    local tmp = sim.tmp
    assert.equal("folder", require "rnm.core".sim.kind(tmp))
    sim:close()
    sim:close()
    assert.is_nil(require "rnm.core".sim.kind(tmp))
    do
      local other <close> = simulate()
      tmp = other.tmp
    end
    assert.is_nil(require "rnm.core".sim.kind(tmp))
  end)

  it("shows status, provenance and what rnm would be asked", function ()
    start()
    assert.matches("pack p: running", sim:status(), 1, true)
    assert.matches('"packs"', sim:status_json(), 1, true)
    assert.matches("p, ", assert(sim:why "inet t lan"), 1, true)
    assert.is_nil(sim:why "inet t nothing")
    assert.equal("running", sim:packs().p.state)
  end)
end)

describe("snapshots", function ()
  local dir = here .. "/testing_spec.snapshots"
  local core = require "rnm.core"
  before_each(function () start() end)
  after_each(function ()
    sim:close()
    sim = nil
    core.sim.remove(dir)
  end)

  it("are written where there is none, and compared from then on", function ()
    sim:snapshot "first":snapshot "first"
    sim:addr_add("eth0", "192.0.2.1/24")
    local err = fails("snapshot first: it is not what ", sim.snapshot, sim, "first")
    assert.matches("RNM_UPDATE=1 keeps what is now):\n", err, 1, true)
    assert.matches("\n  …\n    set lan {\n      type ipv4_addr;\n+ \t\telements = { 192.0.2.1 }\n", (err:gsub("\n  \t\t", "\n      "):gsub("\n  \t", "\n    ")), 1, true)
    sim:snapshot("text", "any text"):snapshot("text", "any text\n")
    fails("- any text\n+ another\n", sim.snapshot, sim, "text", "another")
    fails("expected a name", sim.snapshot, sim, "../x")
  end)

  it("show what differs", function ()
    local diff = testing.Simulation._diff
    assert.equal("", diff("a\nb\n", "a\nb\n"))
    assert.equal("  a\n- b\n+ x\n  c\n", diff("a\nb\nc\n", "a\nx\nc\n"))
    assert.equal("- a\n  b\n  c\n  …\n  f\n  g\n+ h\n", diff("a\nb\nc\nd\ne\nf\ng\n", "b\nc\nd\ne\nf\ng\nh\n"))
  end)
end)
