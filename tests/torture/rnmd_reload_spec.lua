-- SPDX-License-Identifier: GPL-2.0-or-later
-- Reload after reload while the network changes: no event is lost, and nothing grows. RNM_RELOADS: how many.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"
local reloads = tonumber(os.getenv "RNM_RELOADS") or 10000
local each = math.max(1, reloads // 20)

local packs = {
	["live.lua"] = [[
nft.table("inet", "t"):set("live", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })]],
	["hook.lua"] = [[
local s = nft.table("inet", "t"):set("hooked", { type = "ipv4_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  if ev.action == "del" then s:del(ev.address) else s:add(ev.address) end
end)]],
}
local function numbered(n)
	return ([[
local c = nft.table("inet", "t"):chain("one", { type = "filter", hook = "output", priority = 0 })
c:rule "ip daddr 127.0.0.1 counter"
c:rule("meta mark %d drop")]]):format(n + 1)
end

describe("rnmd that is reloaded all the time", function()
	after_each(rnmd.clean)

	it("loses no event and does not grow", function()
		local ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		local d = daemon.start(ns, { packs = packs, ready = false })
		d:pack("number.lua", numbered(0))
		d:wait()
		ns:run "echo 1 | socat -u - UDP:127.0.0.1:9"
		local counted = nft.ruleset(ns):match "counter packets [1-9]%d* bytes %d+"
		assert.is_truthy(counted)
		local function rss()
			return tonumber(sh.read(("/proc/%s/status"):format(rnmd.status(d, "pid (%d+)"))):match "VmRSS:%s*(%d+)")
		end
		local function same()
			local addrs, text = {}, nft.ruleset(ns)
			for a in ns:run("ip -4 -o addr show dev wan0"):gmatch "inet (10%.0%.0%.%d+)/32" do addrs[#addrs + 1] = a end
			table.sort(addrs)
			for _, set in ipairs { "live", "hooked" } do
				local have = {}
				for a in text:match("set " .. set .. " {.-\n\t}"):gmatch "10%.0%.0%.%d+" do have[#have + 1] = a end
				table.sort(have)
				assert.same(addrs, have, set)
			end
			assert.equal(counted, text:match "counter packets %d+ bytes %d+")
			assert.same({}, d:cmd "plan")
		end
		local storm = [[
n=0
while :; do
	n=$(((n * 7 + 3) % 200))
	ip addr add 10.0.0.$n/32 dev wan0 2>/dev/null || ip addr del 10.0.0.$n/32 dev wan0
done]]
		local first, last
		for i = 1, reloads, each do
			local blowing = sh.spawn(ns:enter() .. "sh -c " .. sh.quote(storm))
			for k = i, math.min(i + each - 1, reloads) do
				if k % 5 == 0 then
					d:pack("number.lua", numbered(k % 100))
				end
				d:cmd "reload"
			end
			blowing:stop "KILL"
			sh.sleep(0.1)
			rnmd.settle(d)
			same()
			last = rss()
			if i > reloads // 5 then
				first = first or last
			end
		end
		assert.is_true(last < first * 1.05 + 1024, ("%d KiB, then %d KiB"):format(first, last))
		rnmd.stop(d)
	end)

	-- Of each change there and back: as many generations as changes without coalescing, at most so many with it.
	local function changes(coalesce)
		local ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		local d = daemon.start(ns, { packs = packs, config = ("commit: { coalesce: %s }"):format(coalesce) })
		local function generation()
			return tonumber(ns:run [[lua5.4 -e 'print(require("rnm.core").nft.type.batch.genid())']])
		end
		local lines, n = {}, 0
		for round = 1, 10 do
			for _, verb in ipairs { "add", "del" } do
				for i = 1, 200 do
					n = n + 1
					lines[n] = ("addr %s 10.0.%d.%d/32 dev wan0"):format(verb, round, i)
				end
			end
		end
		local before = generation()
		d:write("changes", table.concat(lines, "\n") .. "\n")
		local blowing = sh.spawn(ns:enter() .. "sh -c " .. sh.quote(("ip -batch %s/changes; touch %s/done"):format(d.dir, d.dir)))
		local done = 0
		while done < 2 do
			d:cmd "reload"
			done = done + (sh.read(d.dir .. "/done") and 1 or 0)
		end
		blowing:stop()
		-- without coalescing it takes its time, and answers in between
		sh.eventually(function() return tonumber(rnmd.status(d, "rtnetlink: (%d+) messages")) >= n end, 60)
		rnmd.settle(d)
		local made = generation() - before
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
		return n, made
	end

	it("makes a generation for each change, and none for a reload that changes nothing", function()
		local n, made = changes "never"
		assert.equal(n, made)
	end)

	it("makes at most one for each change where they may share one", function()
		local n, made = changes "auto"
		assert.is_true(made > 0 and made <= n, ("%d of %d"):format(made, n))
	end)
end)
