-- SPDX-License-Identifier: GPL-2.0-or-later
-- A change that undoes itself: over time, over the death of the daemon, over the death of the network.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local function pack(port)
	return ([[
local t = nft.table("inet", "t")
local ports = require "ports"
t:chain("in", { type = "filter", hook = "input", priority = "filter" }):rules("udp dport 9 counter\ntcp dport " .. ports.at(%d) .. " accept")
]]):format(port)
end
local ports = "return { at = function (n) return n + %d end }"

describe("an applied change", function()
	local ns, d

	before_each(function()
		ns = rnmd.quiet_ns()
		d = daemon.start(ns, { packs = { ["wan/init.lua"] = pack(1), ["wan/ports.lua"] = ports:format(0) } })
	end)

	after_each(rnmd.clean)

	local function port()
		return nft.ruleset(ns):match "tcp dport (%d+)"
	end

	local function refused(line)
		local _, ok, message = d:ask(line)
		assert.is_false(ok)
		return message
	end

	it("that is confirmed stays", function()
		d:pack("wan/init.lua", pack(2))
		d:cmd "apply --confirm 60"
		assert.equal("2", port())
		assert.matches("apply: .* waits for `rnm confirm`, rolled back in %d+ s", rnmd.status(d))
		d:cmd "confirm"
		assert.not_matches("apply:", rnmd.status(d))
		d:halt()
		d:launch()
		assert.equal("2", port())
		rnmd.stop(d)
	end)

	it("that is not confirmed in time is rolled back, with everything it was made of", function()
		d:pack("wan/ports.lua", ports:format(10))
		d:cmd "apply --confirm 1"
		assert.equal("11", port())
		local handle = ns:run("nft -a list ruleset"):match "udp dport 9.-handle (%d+)"
		sh.eventually(function() return port() == "1" end, 10)
		assert.equal(handle, ns:run("nft -a list ruleset"):match "udp dport 9.-handle (%d+)")
		assert.matches("apply: a change was not confirmed", rnmd.status(d))
		-- also over a restart the files do not come back by themselves
		d:halt()
		d:launch()
		assert.equal("1", port())
		d:cmd "reload"
		assert.equal("11", port())
		assert.not_matches("apply:", rnmd.status(d))
		d:halt()
		d:launch()
		assert.equal("11", port())
		rnmd.stop(d)
	end)

	it("is rolled back by the next start when the daemon is killed", function()
		d:pack("wan/init.lua", pack(3))
		d:cmd "apply --confirm 600"
		assert.equal("3", port())
		d:halt "KILL"
		d:launch()
		assert.equal("1", port())
		assert.matches("apply: a change was not confirmed", rnmd.status(d))
		d:cmd "apply"
		assert.equal("3", port())
		assert.not_matches("apply:", rnmd.status(d))
		rnmd.stop(d)
	end)

	it("is rolled back by a start that can write nothing", function()
		d:pack("wan/init.lua", pack(3))
		d:cmd "apply --confirm 600"
		d:halt "KILL"
		sh.run(("mkdir %s.state/apply.new"):format(d.socket))
		d:launch()
		assert.equal("1", port())
		assert.matches("apply: a change was not confirmed", rnmd.status(d))
		assert.matches("can not write '[^']*apply%.new'", d:log())
		rnmd.stop(d)
	end)

	it("is rolled back by the next start when the files are no configuration any more", function()
		d:pack("wan/init.lua", pack(3))
		d:cmd "apply --confirm 600"
		d:halt "KILL"
		d:write("config.yaml", "policies: [\n")
		d:launch()
		assert.equal("1", port())
		rnmd.stop(d)
	end)

	it("with a mistake changes nothing and waits for nobody", function()
		d:pack("wan/init.lua", "error 'no'")
		assert.matches("no", refused "apply --confirm 60")
		assert.equal("1", port())
		assert.matches("nothing waits", refused "confirm")
		d:halt()
		d:pack("wan/init.lua", pack(5))
		d:launch()
		assert.equal("5", port())
		rnmd.stop(d)
	end)

	it("does not let others change what waits", function()
		d:pack("wan/init.lua", pack(2))
		d:cmd "apply --confirm 60"
		assert.matches("waits for its confirmation", refused "reload")
		assert.matches("waits for its confirmation", refused "apply --confirm 60")
		d:cmd "confirm"
		d:cmd "reload"
		rnmd.stop(d)
	end)

	it("may be another file, which takes the place of the first when it is confirmed", function()
		local dir = d.dir
		sh.write(dir .. "/new.yaml", ("policies:\n  dirs: [%s/other]\n"):format(dir))
		sh.run(("mkdir -m 700 %s/other; chmod 600 %s/new.yaml"):format(dir, dir))
		d:write("other/a.lua", [[nft.table("inet", "t"):chain("in"):rule("tcp dport 77 accept")]])
		d:rnm(("apply %s/new.yaml --confirm 60"):format(dir))
		assert.equal("77", port())
		d:rnm "confirm"
		d:halt()
		d:launch()
		assert.equal("77", port())
		assert.matches("policies.d", sh.read(dir .. "/config.yaml~"))
		rnmd.stop(d)
	end)

	it("is kept as it was when it was tried, whatever became of the files since", function()
		local dir = d.dir
		sh.write(dir .. "/new.yaml", sh.read(dir .. "/config.yaml") .. "\n# tried\n")
		sh.run(("chmod 600 %s/new.yaml"):format(dir))
		d:pack("wan/init.lua", pack(2))
		d:rnm(("apply %s/new.yaml --confirm 600"):format(dir))
		d:pack("wan/init.lua", pack(3))
		sh.write(dir .. "/new.yaml", "policies: [\n")
		d:cmd "confirm"
		assert.matches("# tried", sh.read(dir .. "/config.yaml"))
		d:cmd "apply --confirm 600"
		assert.equal("3", port())
		d:halt "KILL"
		d:launch()
		assert.equal("2", port())
		rnmd.stop(d)
	end)

	it("is rolled back to packs as they were enabled, not as they were before", function()
		d:pack("late.lua", [[nft.table("inet", "late"):chain("c"):rule "counter"]])
		d:cmd "packs enable late"
		d:pack("wan/init.lua", pack(7)) -- nobody loaded that
		d:cmd "packs disable late"
		d:pack("late.lua", [[nft.table("inet", "late"):chain("c"):rule "udp dport 53 counter"]])
		d:cmd "packs enable late"
		d:cmd "apply --confirm 600"
		assert.equal("7", port())
		d:halt "KILL"
		d:launch()
		assert.equal("1", port())
		assert.matches("udp dport 53", nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("takes only what it can understand", function()
		assert.matches("SECONDS", refused "apply --confirm")
		assert.matches("SECONDS", refused "apply --confirm 0")
		assert.matches("SECONDS", refused "apply --confirm 1e9")
		assert.matches("absolute path", refused "apply x y")
		assert.matches("there is no file", refused "apply /nowhere.yaml")
		assert.equal("1", port())
	end)

	it("is not begun where what runs could not be kept", function()
		sh.run(("rm -r %s.state/good; mkdir %s.state/good.new; mount -t tmpfs -o ro none %s.state"):format(d.socket, d.socket, d.socket))
		d:cmd "reload"
		d:pack("wan/init.lua", pack(2))
		assert.matches("kept", refused "apply --confirm 60")
		sh.run(("umount %s.state"):format(d.socket))
		assert.equal("1", port())
	end)
end)
