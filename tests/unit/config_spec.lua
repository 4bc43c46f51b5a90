-- SPDX-License-Identifier: GPL-2.0-or-later
local config = require "rnm.core".config

-- The problems of a text as lines, without the file's name.
local function problems(text)
	local c, message = config.parse(text, "t.yaml")
	assert.is_nil(c, "should have been refused")
	local lines = {}
	for line in message:gmatch "[^\n]+" do
		lines[#lines + 1] = line:gsub("^t%.yaml:", "")
	end
	return lines
end

local function parse(text)
	local c, message = config.parse(text, "t.yaml")
	assert.is_nil(message)
	return c
end

local function capture(command)
	local p = assert(io.popen(command))
	local out = p:read "a"
	p:close()
	return (out:gsub("%s+$", ""))
end

describe("a configuration", function()
	it("may be the smallest useful one", function()
		local c = parse [[
interfaces:
  - name: eth0
    dhcp: true
    nftables_zone: wan
  - name: eth1
    address: 192.168.1.1/24
    nftables_zone: lan
]]
		assert.equal(2, #c.ifaces)
		assert.same({ "eth0", "wan", true, {} }, { c.ifaces[1].name, c.ifaces[1].zone, c.ifaces[1].dhcp, c.ifaces[1].addresses })
		assert.same({ "eth1", "lan", false, { "192.168.1.1/24" } },
			{ c.ifaces[2].name, c.ifaces[2].zone, c.ifaces[2].dhcp, c.ifaces[2].addresses })
		assert.same({ 5, 5 }, { c.ifaces[2].line, c.ifaces[2].col })
	end)

	it("may be empty, and then has the defaults", function()
		for _, text in ipairs { "", "\n", "# nothing\n", "---\n", "{}", "---\n...\n" } do
			local c = parse(text)
			assert.same({ "/etc/rnm/policies.d" }, c.dirs)
			assert.same({ true, 256, 5, false, tonumber("660", 8), 2 },
				{ c.coalesce, c.max_events, c.max_delay_ms, c.owner, c.socket_mode, c.log_level })
			assert.is_nil(c.socket_path)
			assert.is_nil(c.socket_group)
			assert.is_nil(c.state_dir)
			assert.equal(0, c.limits.memory)
			assert.same({}, c.notes)
		end
	end)

	it("sets everything it names", function()
		local c = parse [[
policies: { dirs: [/a, b/c] }
commit: { coalesce: never, max_events: 10, max_delay: 20ms }
table: { owner: true }
socket: { path: /tmp/s.sock, mode: "0600", group: adm }
state: /tmp/state
log: debug
limits:
  hook_instructions: 5M
  main_instructions: 7000
  hook_time: 50ms
  main_time: 2s
  memory: 32MiB
  statements: 20k
  timers: 5
  emits: 6
]]
		assert.same({ "/a", capture "pwd -P" .. "/b/c" }, c.dirs)
		assert.same({ false, 10, 20, true }, { c.coalesce, c.max_events, c.max_delay_ms, c.owner })
		assert.same({ "/tmp/s.sock", tonumber("600", 8), "adm", "/tmp/state", 3 },
			{ c.socket_path, c.socket_mode, c.socket_group, c.state_dir, c.log_level })
		assert.same({ hook_instructions = 5000000, main_instructions = 7000, hook_ms = 50, main_ms = 2000,
			memory = 32 << 20, statements = 20000, timers = 5, emits = 6 }, c.limits)
		assert.equal(1, parse("log: { level: warn }").log_level)
		assert.equal(tonumber("640", 8), parse("socket: { mode: 0640 }").socket_mode)
	end)

	it("passes a pack's config on with its types", function()
		local c = parse [[
packs:
  lists:
    trusted: yes
    files: [/var/lib/lists/drop.txt]
    config:
      int: 12
      neg: -3
      hex: 0x1f
      real: 1.5
      exp: 1e3
      dot: 5.
      text: hello
      quoted: "12"
      zero: 0660
      address: 10.0.0.1
      clock: 12:30
      yes: yes
      yep: true
      nope: false
      list: [80, a, [1] ]
      map: { "1": one }
      empty_list: []
  other: { enabled: false }
  third:
]]
		local p = c.packs[1]
		assert.is_true(p.trusted)
		assert.is_true(p.enabled)
		assert.is_false(p.enabled_given)
		assert.same({ "/var/lib/lists/drop.txt" }, p.files)
		assert.same({ int = 12, neg = -3, hex = 31, real = 1.5, exp = 1000.0, dot = 5.0, text = "hello", quoted = "12",
			zero = "0660", address = "10.0.0.1", clock = "12:30", yes = "yes", yep = true, nope = false,
			list = { 80, "a", { 1 } }, map = { ["1"] = "one" }, empty_list = {} }, p.config)
		assert.equal("integer", math.type(p.config.int))
		assert.equal("float", math.type(p.config.dot))
		assert.same({ false, true }, { c.packs[2].enabled, c.packs[2].enabled_given })
		assert.is_true(c.packs[3].enabled)
	end)

	it("takes anchors and aliases as copies", function()
		local c = parse "packs:\n  a: { config: &x { ports: [1, 2] } }\n  b: { config: *x }\n"
		assert.same({ ports = { 1, 2 } }, c.packs[2].config)
	end)

	it("takes templates as a list, with params, or as a mapping", function()
		local c = parse "templates:\n  - base\n  - { name: nat/wan.nft, params: { server: 10.0.0.1, ports: [80, 443] } }\n"
		assert.same({
			{ name = "base", line = 2, col = 5 },
			{ name = "nat/wan.nft", line = 3, col = 5, params = { server = "10.0.0.1", ports = { 80, 443 } } },
		}, c.templates)
		c = parse "templates:\n  base:\n  nat: { server: 10.0.0.1 }\n"
		assert.same({ { name = "base", line = 2, col = 3 }, { name = "nat", line = 3, col = 3, params = { server = "10.0.0.1" } } }, c.templates)
		assert.same({}, parse "templates: []\n".templates)
	end)

	it("says in notes what it does not act on", function()
		local c = parse [[
zones: [wan]
templates: []
port_forwards:
  - { port: 80 }
drift: warn
table: { owner: true }
interfaces:
  - name: eth0
    dhcp: true
    managed: false
    gateway: 10.0.0.1
    routes:
      - { dst: default, gateway: 10.0.0.1, metric: 5 }
    rules:
      - { fwmark: 0x10, table: 100 }
    mtu: 1400
    up: true
    match: { mac: "52:54:00:12:34:56" }
  - name: eth1
    dhcp: false
    managed: true
    addresses: [10.0.0.2/24, "2001:db8::1/64"]
]]
		local places = {}
		for _, note in ipairs(c.notes) do
			local place, text = note:match "^t%.yaml:(%d+:%d+: [^:]+): (.+)"
			assert.is_truthy(place, note)
			assert.matches("in this version", text)
			places[#places + 1] = place
		end
		assert.same({
			"1:8: zones", "4:3: port_forwards",
			"9:5: interfaces[0].dhcp", "11:5: interfaces[0].gateway", "12:5: interfaces[0].routes",
			"14:5: interfaces[0].rules", "16:5: interfaces[0].mtu", "17:5: interfaces[0].up",
			"18:5: interfaces[0].match", "22:5: interfaces[1].addresses", "21:5: interfaces[1].managed",
		}, places)
		assert.matches("watched only", c.notes[3])
		assert.same({ "10.0.0.2/24", "2001:db8::1/64" }, c.ifaces[2].addresses)
	end)
end)

describe("problems of a configuration", function()
	it("are all told in one go, in the file's order", function()
		assert.same({
			"1:1: interfacs: unknown key; did you mean 'interfaces'?",
			"3:11: interfaces[0].dhcp: must be true or false (value 'maybe')",
			"4:5: interfaces[0].adress: unknown key; did you mean 'address'?",
			"5:5: interfaces[0].zone: unknown key; did you mean 'nftables_zone'?",
			"6:11: commit: must be a mapping (KEY: VALUE), not a single value",
			"7:6: log: must be error, warn, info or debug (value 'debugg'); did you mean 'debug'?",
		}, problems [[
interfacs: []
interfaces: [{ name: eth0,
    dhcp: maybe,
    adress: 10.0.0.1,
    zone: wan } ]
commit:   5
log: debugg
]])
	end)

	it("name value, place and what would do", function()
		local cases = {
			{ "interfaces: {}", "1:13: interfaces: must be a list, not a mapping" },
			{ "interfaces: [eth0]", "1:14: interfaces[0]: must be a mapping (KEY: VALUE), not a single value" },
			{ "interfaces: [{ dhcp: true }]", "1:14: interfaces[0]: an interface needs a 'name'" },
			{ "interfaces: [{ name: }]", "1:22: interfaces[0].name: must be an interface's name, not nothing" },
			{ "interfaces:\n  -", "2:4: interfaces[0]: an interface is missing here" },
			{ "interfaces: [{ name: averyverylongname }]", "not an interface's name" },
			{ "interfaces: [{ name: a/b }]", "not an interface's name" },
			{ "interfaces: [{ name: e, nftables_zone: 'a b' }]", "1:40: interfaces[0].nftables_zone: not a zone's name" },
			{ "interfaces: [{ name: e, address: 10.0.0.1/33 }]", "not a prefix length (value '10.0.0.1/33'); 0 to 32 for IPv4" },
			{ "interfaces: [{ name: e, address: '::1/129' }]", "0 to 128 for IPv6" },
			{ "interfaces: [{ name: e, address: 10.0.0 }]", "not an IP address (value '10.0.0')" },
			{ "interfaces: [{ name: e, address: [10.0.0.1, 10.0.0.1/24] }]", "given twice for this interface" },
			{ "interfaces: [{ name: e }, { name: e }]", "1:27: interfaces: interface 'e' is given twice, first at line 1" },
			{ "interfaces: [{ name: e, dhcp: 'true' }]", "without quotes" },
			{ "interfaces: [{ name: e, mtu: 67 }]", "must be a number from 68 to 65536 (value '67')" },
			{ "interfaces: [{ name: e, gateway: 10.0.0.1/24 }]", "not an IP address (value '10.0.0.1/24'); without a prefix length" },
			{ "interfaces: [{ name: e, routes: [{ to: default, dst: default }] }]", "unknown key; did you mean 'dst'?" },
			{ "interfaces: [{ name: e, routes: [{ gateway: 10.0.0.1 }] }]", "a route needs a 'dst'" },
			{ "interfaces: [{ name: e, routes: [{ dst: x }] }]", "not an IP address (value 'x')" },
			{ "interfaces: [{ name: e, routes: [{ dst: default, type: unicats }] }]", "did you mean 'unicast'?" },
			{ "interfaces: [{ name: e, rules: [{ fwmark: x }] }]", "must be a number" },
			{ "interfaces: [{ name: e, match: { mac: 1 } }]", "not a MAC address" },
			{ "zones: { 'a b': {} }", "not a zone's name" },
			{ "zones: { a: 5 }", "must be a mapping" },
			{ "port_forwards: [5]", "1:17: port_forwards[0]: must be a mapping" },
			{ "templates: x", "must be a list or a mapping" },
			{ "templates: [[a]]", "templates[0]: must be a mapping" },
			{ "templates: [/etc/x]", "1:13: templates[0]: '/etc/x' is no template's name" },
			{ "templates: [a/../../x]", "is no template's name" },
			{ "templates: { '*': }", "templates.*: '*' is no template's name" },
			{ "templates: [{ params: {} }]", "a template needs a 'name'" },
			{ "templates: [{ nmae: x }]", "did you mean 'name'?" },
			{ "templates: { a: 5 }", "templates.a: must be a mapping (NAME: VALUE)" },
			{ "drift: repiar", "did you mean 'repair'?" },
			{ "commit: { coalesce: autp }", "must be auto or never (value 'autp'); did you mean 'auto'?" },
			{ "commit: { max_events: 0 }", "from 1 to 65536" },
			{ "commit: { max_delay: 5 }", "at most 1s" },
			{ "commit: { max_delay: 5x }", "not a duration (value '5x')" },
			{ "commit: { max_delay: [5] }", "must be a duration, not a list" },
			{ "table: { ower: true }", "did you mean 'owner'?" },
			{ "limits: { memory: 1K }", "at least 1 MiB" },
			{ "limits: { memory: 99999999999G }", "must be a size" },
			{ "limits: { hook_time: 0 }", "longer than nothing" },
			{ "limits: { timers: 5000000000 }", "from 1 to 4294967295" },
			{ "limits: { emits: 0 }", "from 1" },
			{ "socket: { path: rel }", "must be an absolute path (value 'rel')" },
			{ "socket: { path: /" .. ("x"):rep(110) .. " }", "too long for a socket" },
			{ "socket: { mode: 0999 }", "must be an octal file mode (value '0999')" },
			{ "socket: { mode: 66 }", "octal" },
			{ "socket: { permissions: 0660 }", "did you mean 'mode'?" },
			{ "state: here", "must be an absolute path" },
			{ "policies: { dirs: [/a, /a] }", "given twice" },
			{ "policies: { dir: /a }", "did you mean 'dirs'?" },
			{ "packs: [a]", "must be a mapping (NAME: …), not a list" },
			{ "packs: { config: {} }", "rnm's own pack" },
			{ "packs: { console: {} }", "rnm's own pack" },
			{ "packs: { 1a: {} }", "not a pack's name" },
			{ "packs: { a: { enabeld: true } }", "packs.a.enabeld: unknown key; did you mean 'enabled'?" },
			{ "packs: { a: { config: [1] } }", "packs.a.config: must be a mapping" },
			{ "packs: { a: { config: { n: 99999999999999999999 } } }", "does not fit into 64 bits" },
			{ "quux: 1", "unknown key; known here: interfaces, zones" },
			{ "state: \"a\\u0001b\"", "text with control bytes" },
			{ "state: ''", "an empty text" },
			{ "5", "1:1: must be a mapping" },
		}
		for _, case in ipairs(cases) do
			local lines = problems(case[1])
			assert.equal(1, #lines, case[1] .. "\n" .. table.concat(lines, "\n"))
			assert.is_truthy(lines[1]:find(case[2], 1, true), case[1] .. "\n" .. lines[1])
		end
	end)

	it("include keys given twice, anywhere", function()
		assert.same({ "2:1: log: given twice, first at line 1" }, problems "log: info\nlog: info\n")
		assert.same({ "4:7: packs.a.config.x: given twice, first at line 3" },
			problems "packs: { a: { config: {\n\n      x: 1,\n      x: 2 } } }\n")
		assert.same({ "1:18: packs.a: given twice, first at line 1" }, problems "packs: {  a: {}, a: {} }")
	end)

	it("of YAML itself name the place", function()
		local cases = {
			{ "a: b: c", "1:5: not valid YAML: mapping values are not allowed" },
			{ "interfaces:\n\t- name: eth0\n", "2:1: not valid YAML: a tab can not indent; use spaces" },
			{ "interfaces:\n  - name: eth0\n\tdhcp: true\n", "3:1: not valid YAML: a tab can not indent" },
			{ "log: [1, 2\nb: 3", "that begins at line 1" },
			{ "log: \"abc", "not valid YAML" },
			{ "log: \xff\xff", "1:6: not valid YAML" },
			{ "log: *x", "1:6: no anchor of the name 'x'" },
			{ "log: &a [*a]", "no anchor of the name 'a'" },
			{ "log: !!int 5", "tags are not used here" },
			{ "? [a]\n: b", "a key must be a single word" },
			{ "packs: { <<: {} }", "merge keys" },
			{ "--- {}\n--- {}\n", "2:1: a second document begins here" },
			{ "log: \"a\\0b\"", "a NUL byte" },
		}
		for _, case in ipairs(cases) do
			local lines = problems(case[1])
			assert.is_truthy(lines[1]:find(case[2], 1, true), case[1] .. "\n" .. lines[1])
		end
	end)

	it("are limited in number and never hold control bytes", function()
		local lines = problems("policies: {" .. ("'\\e[1m\27': 1,"):rep(1) .. "}")
		assert.is_nil(table.concat(lines):find("[\0-\9\11-\31]"))
		local many = {}
		for i = 1, 150 do
			many[i] = "unknown" .. i .. ": 1"
		end
		lines = problems(table.concat(many, "\n"))
		assert.equal(101, #lines)
		assert.equal(" and 50 more problems", lines[101])
	end)
end)

describe("a hostile file", function()
	it("can not nest deeply", function()
		assert.matches("nested deeper than 32 levels", problems("a: " .. ("["):rep(100000))[1])
		assert.matches("nested deeper than 32 levels", problems(("a: {"):rep(10000))[1])
	end)

	it("can not blow up through aliases", function()
		local lines = { "a0: &a0 [x, x, x, x, x, x, x, x, x, x]" }
		for i = 1, 12 do
			lines[#lines + 1] = ("a%d: &a%d [%s]"):format(i, i, ("*a" .. i - 1 .. ", "):rep(10))
		end
		assert.matches("more than 100000 values", problems(table.concat(lines, "\n"))[1])
		local long = "t: &t " .. ("x"):rep(1000000) .. "\nl: [" .. ("*t,"):rep(100) .. "]"
		assert.matches("bytes of text", problems(long)[1])
		local nest = { "a0: &a0 [x]" }
		for i = 1, 40 do
			nest[#nest + 1] = ("a%d: &a%d [*a%d]"):format(i, i, i - 1)
		end
		assert.matches("nested deeper", problems(table.concat(nest, "\n"))[1])
	end)

	it("can not have too many values", function()
		assert.matches("more than 100000 values", problems("zones: [" .. ("a,"):rep(100001) .. "]")[1])
	end)
end)

describe("a configuration file", function()
	local dir

	local function write(name, text, mode)
		local path = dir .. "/" .. name
		local f = assert(io.open(path, "w"))
		f:write(text)
		f:close()
		assert(os.execute(("chmod %s '%s'"):format(mode or "0644", path)))
		return path
	end

	before_each(function()
		dir = capture "mktemp -d"
	end)
	after_each(function()
		os.execute("rm -rf " .. dir)
	end)

	it("is loaded, with names relative to its folder", function()
		local c = config.load(write("c.yaml", "policies: { dirs: [p, ./q] }\npacks: { a: { files: [l.txt] } }\n"))
		assert.same({ capture("cd " .. dir .. "; pwd -P") .. "/p", capture("cd " .. dir .. "; pwd -P") .. "/./q" }, c.dirs)
		assert.same({ capture("cd " .. dir .. "; pwd -P") .. "/l.txt" }, c.packs[1].files)
	end)

	it("must be there and be a file", function()
		local c, message, code = config.load(dir .. "/none.yaml")
		assert.is_nil(c)
		assert.equal("configuration: there is no file '" .. dir .. "/none.yaml'", message)
		assert.equal(-2, code)
		c, message = config.load(dir)
		assert.is_nil(c)
		assert.matches("is no regular file", message)
		os.execute("mkfifo " .. dir .. "/fifo")
		c, message = config.load(dir .. "/fifo")
		assert.is_nil(c)
		assert.matches("is no regular file", message)
	end)

	it("must not be writable by others", function()
		for mode, who in pairs { ["0664"] = "its group", ["0646"] = "everybody" } do
			local c, message, code = config.load(write("c.yaml", "", mode))
			assert.is_nil(c)
			assert.is_truthy(message:find("can be written by " .. who, 1, true))
			assert.is_truthy(message:find("chmod go-w '" .. dir .. "/c.yaml'", 1, true))
			assert.equal(-13, code)
		end
	end)

	it("must belong to root or the process's user", function()
		local path = write("c.yaml", "")
		if not os.execute("chown 12345 '" .. path .. "' 2>/dev/null") then
			pending "needs root"
			return
		end
		local c, message = config.load(path)
		assert.is_nil(c)
		assert.matches("belongs to user 12345", message)
		assert.is_truthy(message:find("chown root '" .. path .. "'", 1, true))
	end)

	it("must not be large", function()
		local c, message = config.load(write("c.yaml", "# " .. ("x"):rep(4 << 20)))
		assert.is_nil(c)
		assert.matches("is larger than 4194304 bytes", message)
	end)

	describe("finds packs", function()
		local function packs(text, shipped)
			local found, message = config.packs(write("c.yaml", text), shipped)
			if not found then
				return nil, message
			end
			local out = {}
			for i, p in ipairs(found) do
				out[i] = ("%d %s %s%s%s"):format(p.order, p.name, p.path:sub(#capture("cd " .. dir .. "; pwd -P") + 2),
					p.dir and " folder" or "", p.configured and " configured" or "")
			end
			return out
		end

		before_each(function()
			os.execute(("mkdir -m 755 %s/p %s/p/beta %s/q %s/ship"):format(dir, dir, dir, dir))
		end)

		it("as files and folders, by order and name", function()
			for _, name in ipairs { "20-wan.lua", "zeta.lua", "alpha.lua", "alpha_spec.lua", "beta/init.lua", "007-first.lua", ".hidden.lua",
				"README", "old.lua.bak", "beta/helper.lua" } do
				write("p/" .. name, "")
			end
			write("q/60-last.lua", "")
			os.execute("mkdir -m 755 " .. dir .. "/p/empty")
			assert.same({
				"7 first p/007-first.lua", "20 wan p/20-wan.lua", "50 alpha p/alpha.lua", "50 beta p/beta/init.lua folder",
				"50 zeta p/zeta.lua configured", "60 last q/60-last.lua",
			}, packs "policies: { dirs: [p, q] }\npacks: { zeta: {} }\n")
		end)

		it("but not those that are switched off", function()
			write("p/a.lua", "")
			write("p/b.lua", "")
			assert.same({ "50 b p/b.lua" }, packs "policies: { dirs: [p] }\npacks: { a: { enabled: false } }\n")
		end)

		it("shipped ones only when they are named", function()
			write("ship/nat.lua", "")
			write("ship/10-web.lua", "")
			write("ship/loose.lua", "", "0666")
			local ship = capture("cd " .. dir .. "; pwd -P") .. "/ship"
			assert.same({}, packs("policies: { dirs: [p] }\n", ship))
			assert.same({ "10 web ship/10-web.lua configured" }, packs("policies: { dirs: [p] }\npacks: { web: }\n", ship))
			write("p/web.lua", "")
			assert.same({ "50 web p/web.lua configured" }, packs("policies: { dirs: [p] }\npacks: { web: }\n", ship))
			local _, message = packs("policies: { dirs: [p] }\npacks:\n  nta: {}\n  loose: {}\n", ship)
			assert.matches("c.yaml:3:3: packs.nta: no such pack .+ did you mean 'nat'%?", message)
			assert.matches("loose.lua' can be written by everybody", message)
			assert.same({}, packs("policies: { dirs: [p] }\npacks: { web: { enabled: false } }\n", dir .. "/none"))
		end)

		it("whatever the default directory lacks, but a named one must be there", function()
			local _, message = packs "policies:\n  dirs: [p, gone]\n"
			assert.matches("c%.yaml:2:9: policies%.dirs: can not read '.+/gone': No such file", message)
		end)

		it("and tells all that is wrong with them", function()
			write("p/bad name.lua", "")
			write("p/9x.lua", "")
			write("p/99999-big.lua", "")
			write("p/console.lua", "")
			write("p/twice.lua", "")
			write("q/30-twice.lua", "")
			write("p/loose.lua", "", "0664")
			write("p/beta/init.lua", "")
			write("p/beta/loose.lua", "", "0666")
			os.execute("ln -s nowhere " .. dir .. "/p/dangling.lua; chmod 0777 " .. dir .. "/ship")
			local _, message = packs "policies: { dirs: [p, q, ship] }\n"
			for _, part in ipairs { "'bad name' is not a pack's name", "'9x' is not a pack's name",
				"the order before the name must be 0 to 65534", "'console' is rnm's own pack",
				"30-twice.lua': the pack 'twice' is already there as", "p/loose.lua' can be written by its group",
				"beta/loose.lua' can be written by everybody", "dangling.lua': No such file",
				"ship' can be written by everybody" } do
				assert.is_truthy(message:find(part, 1, true), part .. "\n" .. message)
			end
			local n = select(2, message:gsub("\n", "")) + 1
			assert.equal(9, n, message)
		end)
	end)
end)
