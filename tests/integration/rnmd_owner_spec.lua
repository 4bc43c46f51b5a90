-- SPDX-License-Identifier: GPL-2.0-or-later
-- table.owner: while rnmd runs nobody else can change its tables.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local DORMANT, OWNER, PERSIST = 1, 2, 4

local pack = [[
local t = nft.table("inet", "t")
t:set("s", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
t:chain("in", { type = "filter", hook = "input", priority = 0 }):rule("ip saddr @s counter"):rule("counter accept")
t:counter("c")
]]

describe("owner mode", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
	end)

	after_each(rnmd.clean)

	local function start(yaml, packs)
		return daemon.start(ns, { config = yaml or "table: { owner: true }\n", packs = packs or { ["a.lua"] = pack } })
	end

	local function lua(code)
		return (ns:run(("lua5.4 -e %s"):format(sh.quote(code))))
	end

	-- The table's flags and owner as the kernel tells them.
	local function flags(name)
		local out = lua(([[for _, t in ipairs(require("rnm.core").kread.read("tables", 1)) do
			if t.name == %q then print(t.flags, t.owner) end end]]):format(name or "t"))
		local f, o = out:match "(%d+)%s+(%d+)"
		return tonumber(f), tonumber(o)
	end

	-- Another process that owns the table from now on, until it is stopped.
	local function hold(name)
		local file = sh.tempdir() .. "/hold.lua"
		sh.write(file, ([[
			local r = assert(require("rnm.core").nft.type.batch.commit { { kind = "add_table", table = %q, flags = 6 } })
			print(r.code == 0 and "held" or r.text)
			io.stdout:flush()
			require "system".sleep(60)
		]]):format(name or "t"))
		local p = sh.spawn(ns:enter() .. "lua5.4 " .. file)
		sh.eventually(function() return p:output():find "held", p:output() end)
		return p
	end

	local function commits(d)
		return rnmd.status(d, "(%d+) commits")
	end

	-- Rules with handles and counts.
	local function rules()
		return (ns:run "nft -a list table inet t":gsub("flags [^\n]*\n", ""):gsub(" progname %S+", ""))
	end

	it("keeps others from every change, and rnm's own go through", function()
		local d = start()
		local f, owner = flags()
		assert.equal(OWNER | PERSIST, f)
		assert.is_true(owner ~= 0)
		local before = ns:run "nft list ruleset"
		for _, cmd in ipairs { "delete table inet t", "flush chain inet t in", "add rule inet t in drop", "add element inet t s { 192.0.2.9 }",
			"flush table inet t", "delete set inet t s" } do
			local out, code = ns:try("nft " .. cmd)
			assert.is_true(code ~= 0, cmd)
			assert.matches("Operation not permitted", out)
		end
		ns:run "nft flush ruleset"
		assert.equal(before, ns:run "nft list ruleset")
		assert.equal("1", commits(d))
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t s"))
		assert.same({}, d:cmd "plan")
		assert.same({ "2" }, d:cmd [[eval return #nft.table("inet", "t"):set("s"):read()]])
		assert.matches("flags owner,persist", table.concat(d:cmd "list", "\n"))
		assert.matches('"flags":%["owner","persist"%]', d:cmd "list --json"[1])
		local out, code = sh.try(("%s %s/rnm check -c %s"):format(ns:enter(), os.getenv "RNM_BUILD" or "build", d.config))
		assert.equal(0, code, out)
		rnmd.stop(d)
	end)

	it("claims the orphan at the next start with one message, whatever ended the last life", function()
		local d = start()
		ns:run "ip addr add 127.0.0.9/8 dev lo"
		for _, signal in ipairs { "TERM", "KILL" } do
			local before = rules()
			d:halt(signal)
			assert.same({ PERSIST, 0 }, { flags() })
			assert.equal(before, rules())
			d:launch()
			local f, owner = flags()
			assert.equal(OWNER | PERSIST, f)
			assert.is_true(owner ~= 0)
			assert.equal(before, rules())
			assert.matches("start: 0 events, 1 operations", d:log())
			assert.same({}, d:cmd "plan")
		end
		rnmd.stop(d)
	end)

	-- The kernel takes no table over in a batch that changes what hooks it has.
	it("claims an orphan whose hooks change by making the table anew, and waits with that for a pack that is left out", function()
		local more = [[nft.table("inet", "t"):set("s"):add("192.0.2.77") ]]
		local d = start(nil, { ["a.lua"] = pack, ["b.lua"] = more })
		d:halt()
		d:pack("a.lua", (pack:gsub("priority = 0", "priority = 5")))
		d:pack("b.lua", more .. "error 'no'")
		d:launch()
		assert.same({ "192.0.2.1", "192.0.2.77" }, nft.set(ns, "inet t s"))
		assert.equal(PERSIST, (flags()))
		d:pack("b.lua", more)
		d:cmd "reload"
		assert.equal(OWNER | PERSIST, (flags()))
		assert.same({ "192.0.2.1", "192.0.2.77" }, nft.set(ns, "inet t s"))
		assert.matches("priority filter %+ 5", ns:run "nft list table inet t")
		assert.same({}, d:cmd "plan")
		assert.not_matches("the kernel refused", d:log())
		rnmd.stop(d)
	end)

	it("is switched on by making the table anew, and on an orphan in place", function()
		local d = start ""
		assert.same({ 0, 0 }, { flags() })
		d:configure "table: { owner: true }\n"
		d:cmd "reload"
		assert.equal(OWNER | PERSIST, (flags()))
		d:configure ""
		d:cmd "reload"
		assert.same({ 0, 0 }, { flags() })
		d:configure "table: { owner: true }\n"
		d:cmd "reload"
		d:halt "TERM"
		d:configure ""
		d:launch()
		assert.same({ PERSIST, 0 }, { flags() }) -- which alone says nothing
		assert.matches("start: 0 events, 0 operations", d:log())
		local before = rules()
		d:configure "table: { owner: true }\n"
		d:cmd "reload"
		assert.equal(OWNER | PERSIST, (flags()))
		assert.equal(before, rules())
		rnmd.stop(d)
	end)

	it("is undone with a reload that fails", function()
		local d = start ""
		local before = rules()
		d:configure "table: { owner: true }\n"
		d:pack("b.lua", "error 'no'")
		local _, ok = d:ask "reload"
		assert.is_false(ok)
		assert.same({ 0, 0 }, { flags() })
		assert.equal(before, rules())
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	it("is asked for one table by its flags", function()
		local d = start("", { ["a.lua"] = [[
nft.table("inet", "t", { flags = "owner, dormant" }):chain("c"):rule("accept")
nft.table("inet", "u"):chain("c"):rule("accept")
]] })
		assert.equal(DORMANT | OWNER | PERSIST, (flags "t"))
		assert.equal(0, (flags "u"))
		d:pack("a.lua", [[nft.table("inet", "t", { flags = { "owner" } }):chain("c"):rule("accept")]])
		d:cmd "reload"
		assert.equal(OWNER | PERSIST, (flags "t"))
		assert.is_nil((flags "u"))
		local _, ok, message = d:ask [[eval nft.table("inet", "v", { flags = "ownr" })]]
		assert.is_false(ok)
		assert.matches('unknown value "ownr"; did you mean "owner"', message)
		rnmd.stop(d)
	end)

	it("waits for a table that another process owns, and claims it when that one goes", function()
		local d = start()
		d:halt "TERM"
		local before = rules()
		local other = hold()
		d:pack("b.lua", [[nft.table("inet", "u"):chain("c"):rule("accept")]])
		d:launch()
		assert.matches(("pending: table inet t: lua5.4[%d] owns it"):gsub("[%[%]]", "%%%0"):gsub("%%d", "%%d+"), rnmd.status(d))
		assert.matches("chain c", ns:run "nft list table inet u")
		assert.equal(before, rules())
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		assert.equal("192.0.2.1", table.concat(nft.set(ns, "inet t s"), ","))
		other:stop()
		sh.eventually(function() return rnmd.status(d):find " 0 pending" end)
		assert.equal(OWNER | PERSIST, (flags()))
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t s"))
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	it("of somebody else's table is told of with what can be done", function()
		local other = hold "t2"
		local d = start("", { ["a.lua"] = [[nft.table("inet", "t2"):chain("c")]] })
		-- made by the same library, it carries the mark of another instance
		assert.matches("pending: table inet t2: [^\n]*lua5%.4%[%d+%]", rnmd.status(d))
		other:stop()
		rnmd.stop(d)
	end)

	it("loses nothing to one who takes the table while it runs without", function()
		local d = start()
		d:halt "TERM"
		d:configure ""
		d:launch() -- persist, and no owner
		local other = hold()
		rnmd.settle(d)
		assert.matches("pending: table inet t: lua5%.4%[%d+%] owns it", rnmd.status(d))
		other:stop()
		sh.eventually(function() return rnmd.status(d):find "0 pending" end)
		assert.same({}, d:cmd "plan")
		assert.same({ PERSIST, 0 }, { flags() })
		rnmd.stop(d)
	end)
end)
