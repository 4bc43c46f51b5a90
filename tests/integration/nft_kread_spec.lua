-- SPDX-License-Identifier: GPL-2.0-or-later
-- Both ways between batches, the kernel and nft: what nft made is read back, what a batch made is listed by nft.
local watcher = require "watcher"

-- Pieces run in a namespace of their own. nft(text) loads a file; list() is what nft then has; ops go to the table t.
local prelude = [==[
local core = require "rnm.core"
local b, read = core.nft.type.batch, core.kread.read
local function pipe(cmd)
	local p = io.popen("unset LD_PRELOAD; TZ=UTC " .. cmd .. " 2>&1")
	local out = p:read "a"
	local ok = p:close()
	return out, ok
end
local function nft(text)
	local name = os.tmpname()
	local f = io.open(name, "w")
	f:write(text)
	f:close()
	local out, ok = pipe("nft -f " .. name)
	os.remove(name)
	assert(ok, out)
end
local function list(what)
	print((pipe("nft list " .. (what or "ruleset")):gsub("expires %w+", "expires X")))
end
local function commit(ops, dry)
	for _, op in ipairs(ops) do
		op.table = op.table or "t"
	end
	return assert(b.commit(ops, dry))
end
local function ok(ops)
	local r = commit(ops)
	assert(r.code == 0, r.text .. ": " .. table.concat(r.errno, " "))
	return r
end
-- A value as one line, keys in order.
local function line(v)
	if type(v) ~= "table" then
		return tostring(v)
	end
	local out = {}
	for k, x in pairs(v) do
		table.insert(out, type(k) == "number" and line(x) or k .. "=" .. line(x))
	end
	table.sort(out)
	return "{" .. table.concat(out, " ") .. "}"
end
local function show(what, ...)
	for _, v in ipairs(assert(read(what, ...))) do
		v.handle, v.use = nil
		print(line(v))
	end
end
]==]

local function run(code)
	return (table.concat(watcher.run(prelude .. code), "\n"):gsub(" +\n", "\n"):gsub(" +$", ""))
end

local function squeeze(text)
	return (text:gsub("\n%s*", "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

local function gives(code, expected)
	assert.equal(squeeze(expected), squeeze(run(code)))
end

local function namespace()
	local ok, why = watcher.namespace()
	if not ok then
		pending(why)
	end
end

describe("reading back", function()
	setup(namespace)

	it("tells tables and chains", function()
		gives([[
			nft [=[
				table inet t { comment "hello"; flags dormant; }
				table netdev n {
					chain one { type filter hook ingress device lo priority -5; policy drop; comment "c"; }
					chain two { type filter hook ingress devices = { lo } priority 3; }
				}
				table ip f {
					chain base {
						type route hook output priority mangle;
						jump { accept; }
					}
					chain regular { }
				}
			]=]
			ok { { kind = "add_table", table = "own" } }
			show("tables", 0)
			show("chains", 5)
			for _, c in ipairs(read("chains", 2, "f")) do
				print((c.name:gsub("%d+", "N")), c.base, c.flags, c.type, c.hook, c.priority, c.policy)
			end
			show("chains", 5, "n", "two")
		]], [[
			{comment=hello family=1 flags=1 name=t own=false owner=0}
			{family=5 flags=0 name=n own=false owner=0}
			{family=2 flags=0 name=f own=false owner=0}
			{family=1 flags=0 name=own own=true owner=0}
			{base=true comment=c devices={lo} family=5 flags=1 hook=0 name=one policy=0 priority=-5 table=n type=filter}
			{base=true devices={lo} family=5 flags=1 hook=0 name=two policy=1 priority=3 table=n type=filter}
			base	true	1	route	3	-150	1
			regular	false	0		0	0	-1
			__chainN	false	4		0	0	-1
			{base=true devices={lo} family=5 flags=1 hook=0 name=two policy=1 priority=3 table=n type=filter}]])
	end)

	it("says what is not there", function()
		gives([[
			nft "table inet t { }"
			for _, q in ipairs {
				{ "tables", 1, "x" }, { "chains", 1, "x" }, { "chains", 1, "t", "x" }, { "sets", 1, "x" }, { "sets", 1, "t", "x" },
				{ "objects", 1, "x" }, { "objects", 1, "t", "x", 1 }, { "objects", 1, "t", "x" }, { "rules", 1, "x" },
				{ "rules", 1, "t", "x" }, { "tables", 1, ("x"):rep(500) },
			} do
				local list, why, errno = read(table.unpack(q))
				print(q[1], list, why:sub(1, 24), errno)
			end
			print(#read("chains", 1, "t"), #read("sets", 1, "t"), #read("objects", 1, "t"), #read("rules", 1, "t"), #read("chains", 2))
		]], [[
			tables	nil	there is no table x	2
			chains	nil	there is no table x	2
			chains	nil	there is no chain x	2
			sets	nil	there is no table x	2
			sets	nil	there is no set x	2
			objects	nil	there is no table x	2
			objects	nil	there is no object x	2
			objects	nil	there is no object x	2
			rules	nil	there is no table x	2
			rules	nil	there is no chain x	2
			tables	nil	there is no table xxxxxx	2
			0	0	0	0	0]])
	end)

	it("tells objects of every type", function()
		gives([[
			nft [=[
				table inet t {
					counter c { packets 3 bytes 4; comment "cc"; }
					quota q { over 500 mbytes used 3 bytes; }
					limit l { rate over 400/minute burst 7 packets; }
					limit m { rate 1024 bytes/second burst 512 bytes; }
					ct helper h { type "ftp" protocol tcp; l3proto ip; }
					ct timeout o { protocol udp; l3proto ip6; policy = { unreplied: 12, replied: 20 }; }
					ct expectation e { protocol tcp; dport 9876; timeout 2m; size 12; l3proto ip; }
				}
				add synproxy inet t s { mss 1460; wscale 7; timestamp sack-perm; }
			]=]
			show("objects", 0)
			show("objects", 1, "t", "q", 2)
			print(#read("objects", 1, "t", nil, 4), #read("objects", 2))
		]], [[
			{bytes=4 comment=cc family=1 name=c obj_type=1 packets=3 table=t}
			{bytes=524288000 family=1 name=q obj_type=2 over=true table=t used=3}
			{burst=7 bytes=false family=1 name=l obj_type=4 over=true rate=400 table=t unit=60}
			{burst=512 bytes=true family=1 name=m obj_type=4 over=false rate=1024 table=t unit=1}
			{family=1 helper=ftp l3proto=2 l4proto=6 name=h obj_type=3 table=t}
			{family=1 l3proto=10 l4proto=17 name=o obj_type=7 policy={12 20} table=t}
			{dport=9876 family=1 l3proto=2 l4proto=6 name=e obj_type=9 size=12 table=t timeout=120000}
			{family=1 flags=15 mss=1460 name=s obj_type=10 table=t wscale=7}
			{bytes=524288000 family=1 name=q obj_type=2 over=true table=t used=3}
			2	0]])
	end)

	it("resets counts and tells what they were", function()
		gives([[
			nft [=[
				table inet t {
					counter c { packets 3 bytes 4; }
					counter d { packets 5 bytes 6; }
					quota q { 500 mbytes used 3 bytes; }
					set s { type ipv4_addr; counter; elements = { 1.2.3.4 counter packets 5 bytes 6 }; }
					chain a { counter packets 7 bytes 8 accept; drop; }
				}
			]=]
			local function counts()
				for _, o in ipairs(read("objects", 1, "t")) do
					print(o.name, o.packets, o.bytes, o.used)
				end
			end
			counts()
			print(read("objects", 1, "t", "c", 1, true)[1].packets, #read("objects", 1, "t", nil, 2, true))
			counts()
			print(read("rules", 1, "t", "a", 0, true)[1].exprs[1], #read("rules", 1, "t", "a", 0, true))
			print(read("rules", 1, "t", "a")[1].exprs[1])
			print(read("elems", 1, "t", "s", 0, true)[1].exprs[1])
			print(read("elems", 1, "t", "s")[1].exprs[1])
		]], [[
			c	3	4	nil
			d	5	6	nil
			q	nil	524288000	3
			3	1
			c	0	0	nil
			d	5	6	nil
			q	nil	524288000	0
			counter pkts 7 bytes 8 	2
			counter pkts 0 bytes 0
			counter pkts 5 bytes 6
			counter pkts 0 bytes 0]])
	end)

	it("tells sets with the types and widths of their keys", function()
		gives([[
			nft [=[
				table inet t {
					set a { type ipv4_addr; flags interval; auto-merge; timeout 1h; gc-interval 10s; size 100; policy memory; comment "u"; }
					map b { typeof ip saddr . tcp dport : meta mark; flags interval; }
					set c { typeof vlan id; }
					set d { typeof ct mark . udp length . ip6 dscp; flags dynamic; counter; quota 5 bytes; }
					map e { type ifname : verdict; }
					map f { type ipv4_addr : counter; }
					map g { typeof ip daddr : interval ip saddr . tcp dport; flags interval; }
					set h { typeof meta length; }
					set i { typeof @nh,8,24; }
					chain x { udp length { 5, 6-9 } accept; }
				}
			]=]
			for _, s in ipairs(read("sets", 1, "t")) do
				print(s.name, s.flags, s.key, s.data or "-", s.typeof or "-")
			end
			local a, d = read("sets", 1, "t", "a")[1], read("sets", 1, "t", "d")[1]
			print(a.timeout, a.gc, a.size, a.policy, a.comment, a.auto_merge)
			print(d.exprs[1], d.exprs[2], read("sets", 1, "t", "f")[1].obj_type)
		]], [[
			a	20	ipv4_addr 32	-	-
			b	140	ipv4_addr . inet_service 32,16	mark 32	ip saddr . tcp dport : meta mark
			c	0	integer 12	-	vlan id
			d	288	mark . integer . dscp 32,16,6	-	ct mark . udp length . ip6 dscp
			e	8	ifname 128	verdict 0	-
			f	64	ipv4_addr 32	-	-
			g	12	ipv4_addr 32	interval ipv4_addr . inet_service 32,16	ip daddr : interval ip saddr . tcp dport
			h	0	integer 32	-	meta length
			i	0	integer 24	-	@nh,8,24
			__set0	7	integer 16	-	udp length
			3600000	10000	100	1	u	true
			counter pkts 0 bytes 0 	quota bytes 5 consumed 0 flags 0 	1]])
	end)

	it("tells elements with statements, comments, times, intervals closed", function()
		gives([[
			nft [=[
				table inet t {
					set a { type ipv4_addr; flags interval; counter;
						elements = { 1.2.3.0/24 counter packets 5 bytes 6 comment "x", 1.2.4.0, 255.0.0.0/8 }; }
					set b { type ipv4_addr . inet_service; flags interval, timeout; elements = { 10.0.0.0/8 . 80-90 timeout 1h }; }
					map c { type inet_service : verdict; flags interval; elements = { 5-9 : goto x, * counter packets 1 bytes 2 : drop }; counter; }
					map d { type ipv4_addr : counter; elements = { 1.2.3.4 : "n" }; }
					set e { typeof meta length; elements = { 7 }; }
					counter n { }
					chain x { }
				}
			]=]
			for name in ("abcde"):gmatch "." do
				for _, el in ipairs(read("elems", 1, "t", name)) do
					print(name, (el.text:gsub("expires %w+", "expires X")), el.timeout, el.exprs[1] or "-")
				end
			end
		]], [[
			a	1.2.3.0/24 comment "x"	0	counter pkts 5 bytes 6
			a	1.2.4.0	0	counter pkts 0 bytes 0
			a	255.0.0.0/8	0	counter pkts 0 bytes 0
			b	10.0.0.0/8 . 80-90 timeout 1h expires X	3600000	-
			c	* : drop	0	counter pkts 1 bytes 2
			c	5-9 : goto x	0	counter pkts 0 bytes 0
			d	1.2.3.4 : "n"	0	-
			e	7	0	-]])
	end)

	it("tells rules in order", function()
		gives([[
			nft [=[
				table inet t {
					chain a { tcp dport 22 comment "ssh"; counter; }
					chain b { accept; }
				}
				insert rule inet t a drop
			]=]
			local all = read("rules", 1, "t")
			for i, r in ipairs(all) do
				print(r.name, r.comment, #r.exprs, r.exprs[#r.exprs])
			end
			print(#read("rules", 1, "t", "a"), #read("rules", 0), #read("rules", 2), read("rules", 1, "t", "a")[2].handle == all[2].handle)
		]], [[
			a	nil	1	immediate reg 0 drop
			a	ssh	4	cmp eq reg 1 0x00001600
			a	nil	1	counter pkts 0 bytes 0
			b	nil	1	immediate reg 0 accept
			3	4	0	true]])
	end)

	it("gives all of a large chain and set", function()
		gives([[
			local text = {}
			for i = 1, 3000 do
				text[i] = ("tcp dport %d counter comment \"%d\""):format(i, i)
			end
			nft("table inet t { chain a {\n" .. table.concat(text, "\n") .. "\n}\n}")
			local elems = {}
			for i = 0, 29999 do
				elems[i + 1] = ("10.%d.%d.%d"):format(i // 16384, i // 64 % 256, i % 64 * 4)
			end
			nft("table inet s { set s { type ipv4_addr; flags interval; elements = { " .. table.concat(elems, ",") .. " }; }; }")
			local rules, seen = read("rules", 1, "t", "a"), 0
			for i, r in ipairs(rules) do
				assert(r.comment == tostring(i))
			end
			local got = read("elems", 1, "s", "s")
			for i, el in ipairs(got) do
				assert(el.text == elems[i])
			end
			print(#rules, #got)
		]], "3000	30000")
	end)
end)

describe("a batch", function()
	setup(namespace)

	it("makes objects of every type, changes and deletes them", function()
		gives([[
			ok {
				{ kind = "add_table" },
				{ kind = "add_obj", name = "c", obj_type = 1, packets = 3, bytes = 4, comment = "hi" },
				{ kind = "add_obj", name = "q", obj_type = 2, bytes = 1000, used = 4, over = true },
				{ kind = "add_obj", name = "h", obj_type = 3, helper = "ftp", l4proto = 6 },
				{ kind = "add_obj", name = "l", obj_type = 4, rate = 400, unit = 60, burst = 7 },
				{ kind = "add_obj", name = "o", obj_type = 7, l3proto = 2, l4proto = 6, policy = { [3] = 120, [8] = 20 } },
				{ kind = "add_obj", name = "e", obj_type = 9, l3proto = 2, l4proto = 6, dport = 9876, timeout = 120000, size = 12 },
				{ kind = "add_obj", name = "s", obj_type = 10, mss = 1460, wscale = 7, flags = 15 },
			}
			list()
			ok { { kind = "mod_obj", name = "q", obj_type = 2, bytes = 2000 } }
			print(read("objects", 1, "t", "q", 2)[1].bytes, read("objects", 1, "t", "q", 2)[1].used)
			ok { { kind = "add_obj", name = "n", obj_type = 5, count = 4, over = true } }
			print(line(read("objects", 1, "t", "n", 5)[1].count), read("objects", 1, "t", "n", 5)[1].over)
			local handle = read("objects", 1, "t", "l", 4)[1].handle
			ok { { kind = "del_obj", name = "c", obj_type = 1 }, { kind = "del_obj", obj_type = 4, by_handle = handle },
				{ kind = "del_obj", name = "c", obj_type = 1, destroy = true } }
			print(#read("objects", 1, "t"))
		]], [[
			table inet t {
			counter c {
			comment "hi"
			packets 3 bytes 4
			}
			quota q {
			over 1000 bytes used 4 bytes
			}
			ct helper h {
			type "ftp" protocol tcp
			l3proto inet
			}
			limit l {
			rate 400/minute burst 7 packets
			}
			ct timeout o {
			protocol tcp
			l3proto ip
			policy = { established : 120, close : 20 }
			}
			ct expectation e {
			protocol tcp
			dport 9876
			timeout 2m
			size 12
			l3proto ip
			}
			synproxy s {
			mss 1460
			wscale 7
			timestamp sack-perm
			}
			}
			2000	4
			4	true
			6]])
	end)

	it("makes chains that live with their rule, with sets and chains in them", function()
		gives([[
			ok {
				{ kind = "add_table" },
				{ kind = "add_chain", name = "a" },
				{ kind = "add_rule", name = "a", exprs = { "dport", "lookup 1", "jump #1" }, no_mark = true,
					sets = { { type = "inet_service", elems = { { 7 } } } },
					chains = { {
						{ exprs = { "dport", "lookup 1", "accept" }, sets = { { type = "inet_service", elems = { { 80 }, { 81 } } } } },
						{ exprs = { "counter", "drop" }, comment = "inner" },
					} } },
				{ kind = "add_rule", name = "a", exprs = { "jump #1" }, no_mark = true,
					chains = { { { exprs = { "drop" }, comment = "second" } } } },
			}
			print((pipe "nft list chain inet t a":gsub("%d+", "N")))
		]], [[
			table inet t {
			chain a {
			th dport { N } jump {
			th dport { N, N } accept
			counter packets N bytes N drop comment "inner"
			}
			jump {
			drop comment "second"
			}
			}
			}]])
	end)

	it("puts rules where the loader says: head, end, before, behind, by numbers of the batch", function()
		gives([[
			local function rule(comment, t)
				t.kind, t.name, t.comment, t.exprs, t.no_mark = "add_rule", "a", comment, { "counter" }, true
				return t
			end
			local r = ok { { kind = "add_table" }, { kind = "add_chain", name = "a" }, rule("b", {}), rule("d", { rule_id = 7 }),
				rule("a", { insert = true }), rule("e", { position_id = 7, after = true }), rule("c", { position_id = 7 }) }
			local handle = read("rules", 1, "t", "a")[2].handle
			ok { rule("b+", { position = handle, after = true }), rule("b-", { position = handle }) }
			local order = {}
			for i, x in ipairs(read("rules", 1, "t", "a")) do
				order[i] = x.comment
				assert(x.id == 0)
			end
			print(table.concat(order, " "))
			ok { { kind = "add_chain", name = "z" }, { kind = "flush_rules", name = "a" } }
			print(#read("rules", 1, "t"))
		]], "a b- b b+ c d e\n0")
	end)

	it("knows create, destroy, rename, flush, and handles", function()
		gives([[
			ok { { kind = "add_table", comment = "plain", no_mark = true }, { kind = "add_chain", name = "a" }, { kind = "add_chain", name = "b" },
				{ kind = "add_set", name = "s", set = { type = "inet_service" } },
				{ kind = "add_elem", name = "s", set = { type = "inet_service" }, elems = { { 1 }, { 2 } }, excl = true } }
			print(read("tables", 1, "t")[1].own, read("tables", 1, "t")[1].comment)
			for _, op in ipairs { { kind = "add_table" }, { kind = "add_chain", name = "a" }, { kind = "add_set", name = "s", set = { type = "inet_service" } },
				{ kind = "add_elem", name = "s", set = { type = "inet_service" }, elems = { { 2 } } } } do
				op.excl = true
				print(op.kind, commit { op }.errno[1])
			end
			ok { { kind = "rename_chain", name = "c", by_handle = read("chains", 1, "t", "a")[1].handle } }
			ok { { kind = "flush_set", name = "s" } }
			print(read("chains", 1, "t", "c")[1].name, #read("elems", 1, "t", "s"))
			ok { { kind = "del_chain", by_handle = read("chains", 1, "t", "c")[1].handle },
				{ kind = "del_set", by_handle = read("sets", 1, "t", "s")[1].handle },
				{ kind = "del_chain", name = "never", destroy = true }, { kind = "del_set", name = "never", destroy = true },
				{ kind = "del_table", table = "never", destroy = true } }
			print(#read("chains", 1, "t"), #read("sets", 1, "t"))
			ok { { kind = "del_table", table = false, by_handle = read("tables", 1, "t")[1].handle } }
			ok { { kind = "add_table" }, { kind = "add_table", table = "u", family = "ip" } }
			ok { { kind = "flush_ruleset", family = "ip" } }
			print(#read("tables", 0))
		]], [[
			false	plain
			add_table	17
			add_chain	17
			add_set	17
			add_elem	17
			c	0
			1	0
			1]])
	end)

	it("refuses what does not fit before it is sent", function()
		gives([[
			local long = ("x"):rep(300)
			for _, op in ipairs { { kind = "add_chain", name = long }, { kind = "add_table", table = long }, { kind = "del_set" },
				{ kind = "add_chain", name = "a", type = "filter", hook = 0, family = "netdev", devices = { ("d"):rep(16), "lo" } },
				{ kind = "add_chain", name = "a", type = "filter", hook = 0, family = "netdev", devices = { ("d"):rep(16) } },
				{ kind = "add_obj", name = "o", obj_type = 99 } } do
				local r = commit { op }
				print(r.code, r.errno[1], (r.text:gsub("x+", "x")))
			end
		]], [[
			-74	36	'x…' is too long a name
			-74	36	'x…' is too long a name
			-74	22	an operation without a name
			-74	22	'dddddddddddddddd…' is too long for a device's name
			-74	22	'dddddddddddddddd…' is too long for a device's name
			-74	22	there is no object of type 99]])
	end)

	it("declares sets by typeof so that nft prints and takes them again", function()
		gives([[
			local types = { "ip saddr", "ip saddr . tcp dport", "vlan id", "ct mark . meta iifname", "frag frag-off", "tcp option sack1 left",
				"ip option rr addr", "sctp chunk data tsn", "ct original ip saddr", "rt ip6 nexthop", "socket mark", "osf name",
				"fib daddr . iif oif", "numgen inc mod 3 offset 2", "symhash mod 20", "ipsec in reqid", "@nh,8,24",
				"ip saddr : meta mark", "ip saddr . ip daddr : verdict", "ip saddr : ip daddr . tcp dport" }
			local ops = { { kind = "add_table" } }
			for i, t in ipairs(types) do
				ops[i + 1] = { kind = "add_set", name = "s" .. i, set = { type = "mark", typeof = t } }
			end
			ok(ops)
			local text = pipe "nft list ruleset"
			for t in text:gmatch "typeof ([^\n]+)" do
				print(t)
			end
			nft("flush ruleset\n" .. text)
			assert(pipe "nft list ruleset" == text)
			for i, s in ipairs(read("sets", 1, "t")) do
				assert(s.typeof == types[i]:gsub("meta iifname", "iifname"), s.typeof)
			end
		]], [[
			ip saddr
			ip saddr . tcp dport
			vlan id
			ct mark . iifname
			frag frag-off
			tcp option sack1 left
			ip option rr addr
			sctp chunk data tsn
			ct original ip saddr
			rt ip6 nexthop
			socket mark
			osf name
			fib daddr . iif oif
			numgen inc mod 3 offset 2
			symhash mod 20
			ipsec in reqid
			@nh,8,24
			ip saddr : meta mark
			ip saddr . ip daddr : verdict
			ip saddr : ip daddr . tcp dport]])
	end)
end)
