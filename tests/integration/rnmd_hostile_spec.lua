-- SPDX-License-Identifier: GPL-2.0-or-later
-- The attacks of tests/hostile in the running daemon: as main chunks at start, and in hooks, beside a pack that means well.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local here = debug.getinfo(1, "S").source:match "^@(.*/)"
local dir = here .. "../hostile/"
local good = [[
nft.table("inet", "t"):set("good", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })]]
-- Attacks must be over soon, as there are many.
local limits = "limits:\n  hook_time: 20ms\n  main_time: 20ms\n  hook_instructions: 1M\n  main_instructions: 1M\n  memory: 8MiB\n"

local attacks = {}
for name in require "lfs".dir(dir) do
	if name:match "%.lua$" then
		local code = sh.read(dir .. name)
		table.insert(attacks, { name = name:match "(.*)%.lua$", code = code, ends = code:match "%-%- ends: (%w+)" })
	end
end
table.sort(attacks, function(a, b) return a.name < b.name end)

describe("hostile packs in rnmd", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
	end)

	after_each(rnmd.clean)

	-- The pack that means well still follows the network.
	local function follows(d)
		ns:run "ip addr add 192.0.2.77/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.1", "192.0.2.77" }, nft.set(ns, "inet t good"))
		ns:run "ip addr del 192.0.2.77/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t good"))
	end

	-- Every attack that can not end well is told of by its pack's name.
	local function told(d, prefix)
		local status, log = rnmd.status(d), d:log()
		assert.matches("pack good: running", status)
		for _, a in ipairs(attacks) do
			local name = prefix .. a.name
			local state = status:match("pack " .. name .. ": (%w+)")
			assert.is_truthy(state, name .. " is not in the status")
			if a.ends ~= "done" and a.ends ~= "any" then
				assert.is_true(state == "failed" or state == "degraded", name .. " is " .. state)
				assert.is_truthy(log:find("%f[%w]" .. name .. "%f[^%w_]"), "the log does not name " .. name)
				assert.is_truthy(status:find("pack " .. name .. ": last error: ", 1, true), name .. " has no last error")
			end
		end
	end

	it("get no more of the loop than others, with messages that breed and timers that take long", function()
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		local d = daemon.start(ns, { packs = { ["90-good.lua"] = good,
			["breed.lua"] = [[rnm.on("message", { topic = "breed" }, function ()
  for _ = 1, 2 do pcall(rnm.emit, "breed", { bulk = ("x"):rep(4000) }) end end)]],
			["slow.lua"] = [[for _ = 1, 200 do rnm.every("10ms", function ()
  local t = os.clock() while os.clock() - t < 0.015 do end end) end]] } })
		d:cmd "emit breed"
		local function memory()
			return tonumber(sh.read(("/proc/%d/status"):format(d.process.pid)):match "VmRSS:%s+(%d+)")
		end
		follows(d)
		local before = memory()
		for _ = 1, 10 do
			assert.same({ "pong" }, d:cmd "ping")
		end
		follows(d)
		-- Sanitizers keep for a while what was freed.
		assert.is_true(memory() - before < 8192 or rnmd.slow > 1, ("%d KiB more"):format(memory() - before))
		rnmd.stop(d)
	end)

	it("are left out as main chunks", function()
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		local packs = { ["90-good.lua"] = good }
		for _, a in ipairs(attacks) do
			packs["m_" .. a.name .. ".lua"] = a.code
		end
		local d = daemon.start(ns, { packs = packs, config = limits })
		told(d, "m_")
		follows(d)
		rnmd.stop(d)
	end)

	it("lose their events as hooks", function()
		local packs = { ["90-good.lua"] = good }
		for _, a in ipairs(attacks) do
			packs["h_" .. a.name .. ".lua"] = ([[
rnm.on("addr_change", { iface = "wan0", address = "192.0.2.1" }, function (ev)
%s
end)]]):format(a.code)
		end
		local d = daemon.start(ns, { packs = packs, config = limits })
		-- Two that may run again, and again, while the others go on.
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		sh.eventually(function()
			return #(nft.set(ns, "inet t good") or {}) == 1
		end, 20 * rnmd.slow)
		told(d, "h_")
		follows(d)
		rnmd.stop(d)
	end)
end)
