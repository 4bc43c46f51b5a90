-- SPDX-License-Identifier: GPL-2.0-or-later
-- What comes from elsewhere than the network: the clock, list files, messages of packs, state that outlives the daemon.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

describe("rnmd", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
	end)

	after_each(rnmd.clean)

	it("runs timers, each as one batch, until the next reload", function()
		local d = daemon.start(ns, { packs = { ["t.lua"] = [[
local s = nft.table("inet", "t"):set("ticks", { type = "mark" })
local n = 0
rnm.every("50ms", function () n = n + 1 s:add(n) s:add(1000 + n) end)
rnm.after("20ms", function () s:add(77777) end)
rnm.after(0.03, function () s:add(88888) error "late" end)]] } })
		local m = nft.monitor(ns)
		m:generations()
		sh.sleep(0.5)
		local n, text = m:generations()
		local _, elements = text:gsub("add element", "")
		assert.is_true(n >= 5 and n <= 14, text)
		assert.equal(2 * n, elements)
		local ticks = table.concat(nft.set(ns, "inet t ticks"), " ")
		assert.matches("77777", ticks)
		assert.not_matches("88888", ticks)
		assert.matches("t%.lua:5: late", d:log())
		d:pack("t.lua", "nft.table('inet', 't'):set('ticks', { type = 'mark' })")
		d:cmd "reload"
		m:generations()
		sh.sleep(0.12)
		assert.equal(0, (m:generations()))
		m:close()
		rnmd.stop(d)
	end)

	it("lets timed elements end, and what they covered come back", function()
		local d = daemon.start(ns, { packs = { ["t.lua"] = [[
local t = nft.table("inet", "t")
local s = t:set("short", { type = "ipv4_addr", flags = "timeout" })
rnm.on("message", { topic = "ban" }, function (ev) assert(s:add(ev.data.address, { timeout = ev.data.time })) end)
function known() return s:has "192.0.2.1" end]] } })
		d:cmd "emit ban address=192.0.2.1 time=1s"
		d:cmd "emit ban address=192.0.2.2 time=1h"
		assert.same({ "true" }, d:cmd "eval --pack t return known()")
		sh.eventually(function() return #nft.set(ns, "inet t short") == 1 end)
		sh.eventually(function() return d:cmd "eval --pack t return known()"[1] == "false" end)
		assert.same({}, d:cmd "plan")
		-- It can come again, with a new time.
		d:cmd "emit ban address=192.0.2.1 time=1h"
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t short"))
		rnmd.stop(d)
	end)

	it("follows list files, however they are written", function()
		local d = daemon.start(ns, { ready = false })
		d:halt "KILL"
		local list = d.dir .. "/lists/drop.txt"
		d:configure("packs:\n  l:\n    files: [" .. list .. "]\n")
		d:pack("l.lua", ([[
nft.table("inet", "t"):set("listed", { type = "ipv4_addr", flags = "interval", elements = rnm.file %q })]]):format(list))
		sh.run(("umask 077; mkdir %s/lists; printf '192.0.2.1\\n# a comment\\n198.51.100.0/24 # more\\n\\n' >%s"):format(d.dir, list))
		d.options.ready = true
		d:launch()
		assert.same({ "192.0.2.1", "198.51.100.0/24" }, nft.set(ns, "inet t listed"))
		local function becomes(want)
			sh.eventually(function()
				return table.concat(nft.set(ns, "inet t listed"), " ") == want
			end, 10, want)
		end
		local m = nft.monitor(ns)
		m:generations()
		sh.run(("printf '192.0.2.7\\n' >>%s"):format(list))
		becomes "192.0.2.1 192.0.2.7 198.51.100.0/24"
		local n, text = m:generations()
		assert.equal(1, n, text)
		sh.run(("printf '192.0.2.8\\n' >%s.new; mv %s.new %s"):format(list, list, list))
		becomes "192.0.2.8"
		-- What is no list is not taken, nor is its absence.
		sh.run(("printf '192.0.2.9\\nnonsense\\n' >%s"):format(list))
		sh.eventually(function() return d:log():find("drop.txt:2", 1, true) end)
		rnmd.settle(d)
		assert.same({ "192.0.2.8" }, nft.set(ns, "inet t listed"))
		sh.run(("rm %s"):format(list))
		rnmd.settle(d)
		rnmd.settle(d)
		assert.same({ "192.0.2.8" }, nft.set(ns, "inet t listed"))
		sh.run(("printf '192.0.2.10\\n' >%s"):format(list))
		becomes "192.0.2.10"
		-- Written again with the same content: nothing to send.
		m:generations()
		sh.run(("printf '192.0.2.10\\n' >%s"):format(list))
		rnmd.settle(d)
		sh.sleep(0.1)
		assert.equal(0, (m:generations()))
		-- Replaced while the daemon reloads.
		for i = 1, 10 do
			sh.run(("printf '192.0.2.%d\\n' >%s.new; mv %s.new %s"):format(100 + i, list, list, list))
			d:cmd "reload"
		end
		becomes "192.0.2.110"
		m:close()
		rnmd.stop(d)
	end)

	it("keeps what packs ask it to keep", function()
		local pack = [[
local st = rnm.state
local s = nft.table("inet", "t"):set("seen", { type = "mark" })
rnm.on("message", { topic = "see" }, function (ev) st.seen = st.seen or {} st.seen[#st.seen + 1] = math.tointeger(ev.data.n) end)
rnm.on("message", { topic = "fail" }, function () st.seen = {} error "no" end)
rnm.block(function () for _, n in ipairs(st.seen or {}) do s:add(n) end end)]]
		local d = daemon.start(ns, { packs = { ["k.lua"] = pack } })
		d:cmd "emit see n=1"
		d:cmd "emit see n=2"
		assert.same({ "1", "2" }, nft.set(ns, "inet t seen"))
		d:cmd "emit fail"
		d:cmd "reload"
		assert.same({ "1", "2" }, nft.set(ns, "inet t seen"))
		d:halt()
		d:launch()
		assert.same({ "1", "2" }, nft.set(ns, "inet t seen"))
		d:cmd "emit see n=3"
		sh.sleep(1.3) -- written within a second
		d:halt "KILL"
		d:launch()
		assert.same({ "1", "2", "3" }, nft.set(ns, "inet t seen"))
		rnmd.stop(d)
	end)

	it("passes messages from pack to pack after the commit", function()
		local d = daemon.start(ns, { packs = {
			["10-a.lua"] = [[
local s = nft.table("inet", "t"):set("a", { type = "mark" })
rnm.on("message", { topic = "go" }, function (ev) s:add(math.tointeger(ev.data.n)) rnm.emit("went", { n = ev.data.n }) end)
rnm.on("message", { topic = "bad" }, function () rnm.emit("went", { n = "9" }) error "no" end)]],
			["20-b.lua"] = [[
local s = nft.table("inet", "t"):set("b", { type = "mark" })
rnm.on("message", { topic = "went" }, function (ev)
  s:add(math.tointeger(ev.data.n))
  if tonumber(ev.data.n) < 5 then rnm.emit("go", { n = tostring(ev.data.n + 1) }) end
end)]] } })
		local m = nft.monitor(ns)
		d:cmd "emit go n=1"
		sh.eventually(function() return #nft.set(ns, "inet t b") == 5 end)
		assert.equal(5, #nft.set(ns, "inet t a"))
		local n, text = m:generations()
		assert.equal(10, n, text)
		d:cmd "emit bad"
		rnmd.settle(d)
		assert.equal(5, #nft.set(ns, "inet t b"))
		m:close()
		rnmd.stop(d)
	end)
end)
