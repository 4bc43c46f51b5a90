-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm record keeps what happened, and rnm replay tells what policies would have done with it.
local daemon = require "daemon"
local rnmd = require "rnmd"
local sh = require "sh"

local rnm = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
local wan = [[
local t = nft.table("inet", "rnm")
t:set("wan4", { type = "ipv4_addr", elements = net.addrs { zone = "wan", family = "ipv4" } })
local c = t:chain "input"
rnm.each(net.links { name = "wan*" }, function (l) c:rule("iifname $n counter accept", { n = l.name }) end)
local hits = t:set("hits", { type = "ipv4_addr" })
rnm.on("message", { topic = "hit" }, function (ev)
  hits:add(ev.data.address)
  rnm.after("80ms", function () hits:del(ev.data.address) end)
end)
rnm.every("30ms", function ()
  rnm.state.ticks = (rnm.state.ticks or 0) + 1
  if rnm.state.ticks % 2 == 0 then hits:add "192.0.2.200" else hits:del "192.0.2.200" end
end)]]

describe("a recording", function()
	local ns, dir

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		dir = sh.tempdir()
	end)

	after_each(function()
		rnmd.clean()
		sh.run("rm -rf " .. dir)
	end)

	-- Starts to record; returns a function that ends it.
	local function record(d, file)
		local p = sh.spawn(("env -u LD_PRELOAD %s -s %s record %s"):format(rnm, d.socket, file))
		sh.eventually(function() return (sh.read(file) or ""):find '"do":"ruleset"' end)
		return function()
			rnmd.settle(d)
			local status, out = p:stop "INT"
			assert.equal(0, status, out)
			assert.matches("%d+ lines", out)
		end
	end

	local function replay(args)
		return sh.try(("env -u LD_PRELOAD %s replay %s 2>&1"):format(rnm, args))
	end

	local function happenings(d)
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		d:cmd "emit hit address=198.51.100.7"
		ns:run "ip link add wan7 type bridge; ip addr add 192.0.2.9/24 dev wan0"
		d:cmd "eval nft.table('inet', 'rnm'):chain('input'):rule 'tcp dport 22 accept'"
		sh.sleep(0.15 * rnmd.slow)
		ns:run "ip link set wan7 name wan8; ip addr del 192.0.2.1/24 dev wan0"
		d:cmd "reload"
		ns:run "ip link del wan8; ip route add 203.0.113.0/24 via 192.0.2.250 dev wan0"
		rnmd.settle(d)
	end

	it("makes no difference with the same policies, and the same one each time with others", function()
		local file = dir .. "/rec"
		local d = daemon.start(ns, { packs = { ["wan.lua"] = wan },
			config = "interfaces: [{ name: wan0, nftables_zone: wan }]\npacks: { wan: { config: {} } }\n" })
		ns:run "ip addr add 192.0.2.100/24 dev wan0"
		sh.sleep(0.05)
		local done = record(d, file)
		happenings(d)
		done()
		assert.equal("600", (sh.run("stat -c %a " .. file):gsub("\n", "")))

		local out, status = replay(("%s --policies %s/policies.d"):format(file, d.dir))
		assert.equal(0, status, out)
		local all, equal = out:match "(%d+) transactions: (%d+) equal, 0 different, 0 only recorded, 0 only replayed"
		assert.equal(all, equal, out)
		assert.is_true(tonumber(all) > 8, out)
		local long = replay(("--all %s --policies %s/policies.d"):format(file, d.dir))
		assert.matches("message hit\n  equal", long)
		assert.matches("= %+ add element inet rnm wan4 { 192.0.2.9 }", long)

		-- Policies that do something else.
		sh.run("mkdir -m 755 " .. dir .. "/p")
		sh.write(dir .. "/p/wan.lua", (wan:gsub("counter accept", "drop"):gsub('family = "ipv4" }', 'family = "ipv4", address = "!192.0.2.9" }')))
		sh.run("chmod 644 " .. dir .. "/p/wan.lua")
		out, status = replay(("%s --policies %s/p"):format(file, dir))
		assert.equal(1, status, out)
		assert.matches("note: pack wan has another text than was recorded", out)
		assert.matches("the ruleset at the beginning\n  different\n  < .-counter accept.-\n.-  > .-drop", out)
		assert.matches("event [^\n]+\n  [^\n]+\n.-  < %+ add element inet rnm wan4 { 192.0.2.9 }", out)
		assert.equal(out, (replay(("%s --policies %s/p"):format(file, dir))))
		rnmd.stop(d)
	end)

	it("is read line by line, and refused at the line that is wrong", function()
		local file = dir .. "/rec"
		local d = daemon.start(ns, { packs = { ["wan.lua"] = wan } })
		local done = record(d, file)
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		done()
		local text = sh.read(file)
		local function refused(with, why)
			sh.write(file, with)
			local out, status = replay(("%s --policies %s/policies.d"):format(file, d.dir))
			assert.equal(1, status, out)
			assert.matches(why, out)
		end
		refused(text:sub(1, -10), "rec: line %d+: the line is cut off")
		refused("", "rec: it is empty")
		refused("{}\n", "rec: line 1: this is no recording of rnm")
		refused(text:gsub("record 1", "record 9", 1), "line 1: the recording is of another version %(record 9%)")
		refused(text:gsub('"ifindex":1,', '"ifindex":-1,', 1), 'line %d+: "ifindex": bad value %-1')
		refused(text .. '{"t":99999999999999999,"do":"end"}\n', 'line %d+: "end" without "begin" before it')
		refused(text .. '{"t":1,"do":"wake"}\n', 'line %d+: "t": expected a time that is not before the last one')
		refused(text .. "\1\n", "line %d+: ")
		assert.equal(2, select(2, replay(file)))
		assert.equal(2, select(2, replay "--policies ."))
		rnmd.stop(d)
	end)
end)
