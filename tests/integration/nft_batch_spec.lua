-- SPDX-License-Identifier: GPL-2.0-or-later
local watcher = require "watcher"

-- Pieces run in a namespace of their own, with `commit` and what the kernel then has as nft tells it.
local prelude = [[
local b = require "rnm.core".nft.type.batch
local function nft(args)
	local p = io.popen("unset LD_PRELOAD; TZ=UTC nft " .. args .. " 2>&1")
	local out = p:read "a"
	p:close()
	return (out:gsub("expires %w+", "expires X"))
end
local function show(what)
	print((nft("list " .. (what or "ruleset")):gsub("\t", " ")))
end
local function commit(ops, dry, genid)
	for _, op in ipairs(ops) do
		op.table = op.table or "t"
	end
	return assert(b.commit(ops, dry, genid))
end
local function ok(ops)
	local r = commit(ops)
	assert(r.code == 0, r.text .. ": " .. table.concat(r.errno, " "))
	return r
end
-- A set of this name with these elements, in a table of its own.
local function set(name, spec, elems)
	ok { { kind = "add_table" }, { kind = "add_set", name = name, set = spec },
		{ kind = "add_elem", name = name, set = spec, elems = elems } }
	spec.name = name
end
]]

local function run(code)
	return table.concat(watcher.run(prelude .. code), "\n")
end

local function squeeze(text)
	return (text:gsub("\n%s*", "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

local function kernel(code, expected)
	assert.equal(squeeze(expected), squeeze(run(code)))
end

describe("a batch", function()
	setup(function()
		local ok, why = watcher.namespace()
		if not ok then
			pending(why)
		end
	end)

	it("makes tables, chains and rules that nft shows", function()
		kernel([[
			local r = ok {
				{ kind = "add_table", comment = "by hand" },
				{ kind = "add_chain", name = "in", type = "filter", hook = 1, priority = -5, policy = "drop", comment = "c" },
				{ kind = "add_chain", name = "reg" },
				{ kind = "add_rule", name = "in", exprs = { "counter", "accept" }, comment = "first", id = 77 },
				{ kind = "add_rule", name = "in", exprs = { "jump reg" }, id = 78 },
			}
			assert(r.handles_known)
			show()
			local handles, ids = b.handles(1, "t", "in")
			assert(handles[1] == r.handle[4] and handles[2] == r.handle[5] and #handles == 2)
			print(table.concat(ids, " "), table.concat(b.tables(), ","))
		]], [[
			table inet t {
			comment "by hand"
			chain in {
			comment "c"
			type filter hook input priority filter - 5; policy drop;
			counter packets 0 bytes 0 accept comment "first"
			jump reg
			}
			chain reg {
			}
			}
			77 78	1 t own]])
	end)

	it("puts rules before others, replaces and deletes them, changes a policy", function()
		kernel([[
			local r = ok {
				{ kind = "add_table" },
				{ kind = "add_chain", name = "in", type = "filter", hook = 1, policy = "drop" },
				{ kind = "add_rule", name = "in", exprs = { "counter" }, id = 1 },
				{ kind = "add_rule", name = "in", exprs = { "accept" }, id = 2 },
				{ kind = "add_rule", name = "in", exprs = { "drop" }, id = 3 },
			}
			local s = ok {
				{ kind = "replace_rule", name = "in", handle = r.handle[3], exprs = { "counter", "drop" }, id = 4 },
				{ kind = "add_rule", name = "in", position = r.handle[4], exprs = { "counter", "accept" }, id = 5 },
				{ kind = "add_rule", name = "in", position = r.handle[4], exprs = { "counter", "counter" }, id = 6 },
				{ kind = "del_rule", name = "in", handle = r.handle[5] },
				{ kind = "mod_chain", name = "in", type = "filter", policy = "accept" },
			}
			local handles, ids = b.handles(1, "t", "in")
			print(table.concat(ids, " "))
			assert(handles[1] == s.handle[1] and handles[2] == s.handle[2] and handles[3] == s.handle[3])
			print(nft("list chain inet t in"):match "policy %w+")
		]], "4 5 6 2\npolicy accept")
	end)

	it("makes sets of every form", function()
		kernel([[
			set("v4", { type = "ipv4_addr", flags = "interval timeout", auto_merge = true, comment = "set comment", size = 100 }, {
				{ "1.2.3.4" }, { { prefix = "10.0.0.0/8", comment = "net", timeout = 3600000 } },
				{ { range = { "20.0.0.1", "20.0.0.9" } } }, { { prefix = "255.0.0.0/8" } } })
			set("mk", { type = "mark", flags = "interval" }, { { "1-5" }, { "0x100/24" }, { 7 } })
			set("gl", { type = "ifname", flags = "interval" }, { { { glob = "eth*" } }, { "lo" } })
			set("cc", { type = "ipv4_addr . inet_service", flags = "interval" }, { { "10.0.0.0/8 . 80-90" }, { "1.1.1.1 . 53" } })
			set("pl", { type = "ifname . ct_state . inet_proto" }, { { "eth0 . established . tcp" } })
			set("ti", { type = "ipv4_addr", flags = "timeout", timeout = 5000, gc = 1000 }, { { { addr = "1.1.1.1", timeout = 90000 } } })
			show()
		]], [[
			table inet t {
			set v4 {
			type ipv4_addr
			size 100
			flags interval,timeout
			auto-merge
			comment "set comment"
			elements = { 1.2.3.4, 10.0.0.0/8 timeout 1h expires X comment "net",
			20.0.0.1-20.0.0.9, 255.0.0.0/8 }
			}
			set mk {
			type mark
			flags interval
			elements = { 0x00000001-0x00000005, 0x00000007, 0x00000100/24 }
			}
			set gl {
			type ifname
			flags interval
			elements = { "eth*",
			"lo" }
			}
			set cc {
			type ipv4_addr . inet_service
			flags interval
			elements = { 10.0.0.0/8 . 80-90,
			1.1.1.1 . 53 }
			}
			set pl {
			type ifname . ct_state . inet_proto
			elements = { "eth0" . established . tcp }
			}
			set ti {
			type ipv4_addr
			timeout 5s
			gc-interval 1s
			elements = { 1.1.1.1 timeout 1m30s expires X }
			}
			}]])
	end)

	it("makes maps of every form", function()
		kernel([[
			ok { { kind = "add_table" }, { kind = "add_chain", name = "reg" } }
			set("vm", { type = "ifname", data = "verdict" }, { { "eth0", "goto reg" }, { { glob = "*" }, "drop" } })
			set("vi", { type = "inet_service", data = "verdict", flags = "interval" }, { { "1-5", "accept" }, { "6-9", "drop" } })
			set("na", { type = "inet_service", data = "interval ipv4_addr . inet_service" }, { { 80, "10.0.0.0/24 . 1-5" } })
			set("mm", { type = "ipv4_addr", data = "mark" }, { { "1.1.1.1", 5 } })
			set("cd", { type = "mark", data = "ipv4_addr . inet_service" }, { { 1, "10.0.0.1 . 80" } })
			show()
		]], [[
			table inet t {
			map vm {
			type ifname : verdict
			elements = { "eth0" : goto reg,
			* : drop }
			}
			map vi {
			type inet_service : verdict
			flags interval
			elements = { 1-5 : accept, 6-9 : drop }
			}
			map na {
			type inet_service : interval ipv4_addr . inet_service
			elements = { 80 : 10.0.0.0/24 . 1-5 }
			}
			map mm {
			type ipv4_addr : mark
			elements = { 1.1.1.1 : 0x00000005 }
			}
			map cd {
			type mark : ipv4_addr . inet_service
			elements = { 0x00000001 : 10.0.0.1 . 80 }
			}
			chain reg {
			}
			}]])
	end)

	it("gives every rule its own anonymous sets", function()
		kernel([[
			local function ports(...)
				local elems = {}
				for _, p in ipairs { ... } do
					elems[#elems + 1] = { p }
				end
				return { type = "inet_service", flags = "interval", elems = elems }
			end
			ok {
				{ kind = "add_table" },
				{ kind = "add_chain", name = "c" },
				{ kind = "add_rule", name = "c", exprs = { "dport", "lookup 1", "dport", "lookup 2", "accept" },
					sets = { ports("80-90", "91-99", "443"), ports("0-10", "65000-65535") } },
				{ kind = "add_rule", name = "c", exprs = { "dport", "lookup 1", "drop" },
					sets = { { type = "inet_service", elems = { { 22 }, { 53 } } } } },
			}
			show()
		]], [[
			table inet t {
			chain c {
			th dport { 80-90, 91-99, 443 } th dport { 0-10, 65000-65535 } accept
			th dport { 22, 53 } drop
			}
			}]])
	end)

	it("takes catchalls and elements of maps away again", function()
		kernel([[
			local map = { type = "ifname", data = "verdict" }
			set("m", map, { { "eth0", "accept" }, { { glob = "*" }, "drop" } })
			ok { { kind = "add_set", name = "i", set = { type = "mark", data = "mark", flags = "interval" } },
				{ kind = "add_elem", name = "i", set = { type = "mark", data = "mark", flags = "interval" }, elems = { { "1-5", 7 } } } }
			ok { { kind = "del_elem", name = "m", set = map, elems = { { { glob = "*" }, "drop" }, { "eth0", "accept" } } },
				{ kind = "del_elem", name = "i", set = { type = "mark", data = "mark", flags = "interval" }, elems = { { "1-5", 7 } } } }
			print(#b.read(1, "t", map), nft("list ruleset"):find "elements")
		]], "0	nil")
	end)

	it("makes a timed element last longer when it is sent again", function()
		local left = run [[
			local spec = { type = "ipv4_addr", flags = "timeout" }
			set("s", spec, { { { addr = "1.1.1.1", timeout = 60000 } } })
			ok { { kind = "add_elem", name = "s", set = spec, elems = { { { addr = "1.1.1.1", timeout = 7200000 } } } } }
			print(io.popen("unset LD_PRELOAD; nft list set inet t s"):read("a"):match "expires %w+")
		]]
		if left:find "^expires 59s" or left:find "^expires 1m" then
			pending "kernels before 6.12 do not"
			return
		end
		assert.is_truthy(left:find "^expires 1h59m" or left:find "^expires 2h", left) -- 2h when nft was quick
	end)

	it("takes elements away again, ends of intervals too", function()
		kernel([[
			local spec = { type = "ipv4_addr", flags = "interval" }
			set("s", spec, { { "1.1.1.1" }, { "10.0.0.0/8" }, { "255.255.255.0/24" }, { "0.0.0.0/8" } })
			ok { { kind = "del_elem", name = "s", set = spec, elems = { { "10.0.0.0/8" }, { "255.255.255.0/24" } } } }
			print(table.concat(b.read(1, "t", spec), " "))
			ok { { kind = "del_elem", name = "s", set = spec, elems = { { "0.0.0.0/8" }, { "1.1.1.1" } } } }
			print(#b.read(1, "t", spec))
			show()
		]], [[
			0.0.0.0/8 1.1.1.1
			0
			table inet t {
			set s {
			type ipv4_addr
			flags interval
			}
			}]])
	end)

	it("reads sets back as they were given", function()
		kernel([[
			local function back(spec, elems)
				set("s", spec, elems)
				local got = b.read(1, "t", spec)
				table.sort(got)
				print(table.concat(got, " | "))
				ok { { kind = "del_table" } }
			end
			back({ type = "ipv4_addr", flags = "interval" }, { { "9.9.9.9" }, { "10.0.0.1-10.0.0.7" }, { "255.0.0.0/8" } })
			back({ type = "ipv4_addr . inet_service", flags = "interval" }, { { "10.0.0.0/8 . 80-90" } })
			back({ type = "ifname", flags = "interval" }, { { { glob = "eth*" } }, { "lo" } })
			back({ type = "inet_service", data = "verdict", flags = "interval" }, { { "1-5", "accept" }, { "6", "drop" }, { "*", "return" } })
			back({ type = "mark", flags = "timeout" }, { { { string = "7", comment = "c" } } })
			back({ type = "mark", data = "interval ipv4_addr" }, { { 7, "10.0.0.0/24" } })
			back({ type = "dscp", flags = "interval" }, { { "cs1" }, { "60-63" } })
		]], [[
			10.0.0.1-10.0.0.7 | 255.0.0.0/8 | 9.9.9.9
			10.0.0.0/8 . 80-90
			"eth*" | "lo"
			* : return | 1-5 : accept | 6 : drop
			0x00000007 comment "c"
			0x00000007 : 10.0.0.0/24
			0x3c-0x3f | cs1]])
	end)

	it("traces every refusal to its operation", function()
		kernel([[
			local spec = { type = "ipv4_addr", flags = "" }
			set("s", spec, { { "1.1.1.1" } })
			ok { { kind = "add_chain", name = "c" } }
			local r = commit {
				{ kind = "add_chain", name = "fine" },
				{ kind = "add_rule", name = "nochain", exprs = { "accept" } },
				{ kind = "del_elem", name = "s", set = spec, elems = { { "9.9.9.9" } } },
				{ kind = "add_rule", name = "c", exprs = { "dport", "lookup 1", "jump nochain" },
					sets = { { type = "inet_service", elems = { { 22 } } } } },
				{ kind = "add_rule", name = "c", exprs = { "accept" } },
				{ kind = "del_set", name = "none" },
			}
			print(r.code, r.text)
			print(table.concat(r.errno, " "))
			show "chains"
		]], [[
			-74	the kernel refused 4 of 6 operations
			0 2 2 2 0 2
			table inet t {
			chain c {
			}
			}]])
	end)

	it("knows that nothing was applied though most refusals are lost", function()
		kernel([[
			local ops = { { kind = "add_table" } }
			for i = 1, 30000 do
				ops[#ops + 1] = { kind = "del_chain", name = "c" .. i }
			end
			local r, told = commit(ops), 0
			for _, code in ipairs(r.errno) do
				told = told + (code == 2 and 1 or 0)
			end
			print(r.code, told > 0, told < 30000, r.text:match "^the kernel refused at least", #b.tables())
			print(commit({ { kind = "add_table" } }).code)
		]], "-74	true	true	the kernel refused at least	0\n0")
	end)

	it("puts 20,000 elements into messages and one answer", function()
		kernel([[
			local spec, elems = { type = "ipv4_addr", flags = "interval" }, {}
			for i = 1, 20000 do
				elems[i] = { ("10.%d.%d.1-10.%d.%d.9"):format(i // 250, i % 250, i // 250, i % 250) }
			end
			local r = ok { { kind = "add_table" }, { kind = "add_set", name = "s", set = spec },
				{ kind = "add_elem", name = "s", set = spec, elems = elems } }
			print(r.messages > 10, r.bytes > 600000)
			spec.name = "s"
			local got = b.read(1, "t", spec)
			print(#got, got[1], got[20000])
			r = commit { { kind = "add_chain", name = "x" }, { kind = "del_elem", name = "s", set = spec, elems = {
				{ "10.0.1.1-10.0.1.9" }, { "77.7.7.7" } } } }
			print(table.concat(r.errno, " "), #b.read(1, "t", spec))
		]], [[
			true	true
			20000	10.0.1.1-10.0.1.9	10.80.0.1-10.80.0.9
			0 2	20000]])
	end)

	it("asks for no handles where there are many rules", function()
		kernel([[
			local ops = { { kind = "add_table" }, { kind = "add_chain", name = "c" } }
			for i = 1, 500 do
				ops[#ops + 1] = { kind = "add_rule", name = "c", exprs = { "counter" }, id = i }
			end
			local r = ok(ops)
			local handles, ids = b.handles(1, "t", "c")
			print(r.handles_known, r.handle[3], #handles, ids[1], ids[500])
		]], "false	0	500	1	500")
	end)

	it("changes nothing when it is dry", function()
		kernel([[
			ok { { kind = "add_table" } }
			local gen = b.genid()
			local r = commit({ { kind = "add_chain", name = "c" }, { kind = "add_rule", name = "c", exprs = { "accept" } } }, true)
			print(r.code, b.genid() == gen)
			r = commit({ { kind = "add_chain", name = "c" }, { kind = "add_rule", name = "d", exprs = { "accept" } } }, true)
			print(r.code, table.concat(r.errno, " "), b.genid() == gen)
			show()
		]], "0	true\n-74	0 2	true\ntable inet t {\n}")
	end)

	it("is for one generation when it says so", function()
		kernel([[
			ok { { kind = "add_table" } }
			local gen = b.genid()
			print(commit({ { kind = "add_chain", name = "a" } }, false, gen).code)
			local r = commit({ { kind = "add_chain", name = "b" } }, false, gen)
			print(r.code, r.text)
			show()
		]], "0\n-85	somebody else changed the ruleset meanwhile\ntable inet t {\nchain a {\n}\n}")
	end)

	it("knows its own tables", function()
		kernel([[
			ok { { kind = "add_table" } }
			nft "add table ip foreign"
			local t = b.tables()
			table.sort(t)
			print(table.concat(t, ", "))
		]], "1 t own, 2 foreign")
	end)

	it("changes a set in place where the kernel can", function()
		kernel([[
			local spec = { type = "ipv4_addr", flags = "timeout", timeout = 5000 }
			set("s", spec, { { "1.1.1.1" } })
			spec.timeout = 7000
			ok { { kind = "mod_set", name = "s", set = spec } }
			print(nft("list set inet t s"):match "timeout 7s")
		]], "timeout 7s")
	end)

	it("says what is missing to somebody who may not", function()
		local lines = watcher.run [[
			sh "true"
			local p = io.popen("setpriv --bounding-set -all --inh-caps -all lua5.4 -e '" ..
				"print(select(2, require \"rnm.core\".nft.type.batch.tables()))' 2>&1")
			print(p:read "a")
		]]
		assert.matches("CAP_NET_ADMIN is missing", table.concat(lines, " "))
	end)
end)
