-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm nft clone, disable, enable, list disabled: rules of tables that are not rnm's, without a daemon.
local netns = require "netns"
local sh = require "sh"

describe("rules that are cloned, disabled and enabled", function()
	local ns, dir, rnm
	local build = os.getenv "RNM_BUILD" or "build"

	before_each(function()
		ns = netns.new()
		dir = sh.tempdir()
		rnm = ("%s/rnm -s %s/sock nft "):format(build, dir)
		ns:run [[nft 'add table inet t; add set inet t s { type ipv4_addr; }; add chain inet t c { type filter hook input priority 0; };
			add chain inet t d']]
	end)

	after_each(function()
		netns.close_all()
		sh.run("rm -rf " .. dir)
	end)

	local function rules(chain)
		local out, handles = {}, {}
		for line in ns:run("nft -a list chain inet t " .. (chain or "c")):gmatch "[^\n]+" do
			local text, handle = line:match "^\t\t(.-) # handle (%d+)$"
			if text and not text:find("^type ") then
				out[#out + 1], handles[#handles + 1] = text, handle
			end
		end
		return out, handles
	end

	local function add(...)
		local lines = {}
		for i, rule in ipairs { ... } do
			lines[i] = "add rule inet t c " .. rule
		end
		sh.write(dir .. "/rules", table.concat(lines, "\n") .. "\n")
		ns:run(("nft -f %s/rules"):format(dir))
	end

	local function go(cmd)
		return ns:run(rnm .. cmd)
	end

	local function refused(cmd)
		local out, code = ns:try(rnm .. cmd)
		assert.equal(1, code, out)
		return out
	end

	local function memory()
		return sh.read(dir .. "/sock.state/disabled.json")
	end

	it("come back as they were, counts, comment and place", function()
		add('tcp dport 1 counter packets 11 bytes 12 accept comment "first"', "ip saddr { 10.0.0.1, 10.1.0.0/16 } counter packets 3 bytes 4 drop",
			"ip saddr @s limit rate 5/second accept", "udp dport vmap { 1 : accept, 2 : goto d }", "log prefix \"x\"")
		local before, handles = rules()
		local expressions = ns:run "nft --debug=netlink list chain inet t c"

		for _, handle in ipairs(handles) do
			assert.matches("^disabled: ", go("disable rule inet t c handle " .. handle))
		end
		assert.same({}, (rules()))
		local _, n = go("list disabled"):gsub("\nid %d+: inet t c, was handle", "")
		assert.equal(#before - 1, n)
		for i = #handles, 1, -1 do
			assert.not_matches("neighbours", go("enable rule inet t c handle " .. handles[i]))
		end
		assert.same(before, (rules()))
		local function shape(text) -- sets have no order, and new names
			local lines = {}
			for line in text:gmatch "[^\n]+" do
				lines[#lines + 1] = line:match "^  %[.*" or line:match "^  userdata.*"
			end
			return (table.concat(lines, "\n"):gsub("__%w+%d+", "__"))
		end
		assert.equal(shape(expressions), shape(ns:run "nft --debug=netlink list chain inet t c"))
		assert.equal("", go "list disabled")
	end)

	it("leave the counts of the other rules alone", function()
		add("ip daddr 127.0.0.1 counter", "tcp dport 9", "ip daddr 127.0.0.1 counter")
		ns:run "echo x | socat -u STDIN UDP:127.0.0.1:9"
		local before, handles = rules()
		assert.matches("packets [1-9]", before[1])
		go("disable rule inet t c handle " .. handles[2])
		go "enable rule id 1"
		local now, new = rules()
		assert.same(before, now)
		assert.same({ handles[1], handles[3] }, { new[1], new[3] })
	end)

	it("come back in order, whatever was done in which order", function()
		math.randomseed(tonumber(os.getenv "RNM_SEED") or 4711)
		add("tcp dport 1", "tcp dport 2", "tcp dport 3", "tcp dport 3", "tcp dport 3", "tcp dport 6", "tcp dport 6")
		local all, handles = rules()
		local on, id, ids = {}, {}, 0
		for i = 1, #all do
			on[i] = handles[i]
		end
		local function expect()
			local want = {}
			for i, text in ipairs(all) do
				want[#want + 1] = on[i] and text or nil
			end
			local have, now = rules()
			assert.same(want, have)
			local at = 0
			for i = 1, #all do
				if on[i] then
					at = at + 1
					on[i] = now[at]
				end
			end
		end
		for _ = 1, 16 do
			local i = math.random(#all)
			if on[i] then
				go("disable rule inet t c handle " .. on[i])
				ids = ids + 1
				on[i], id[i] = nil, ids
			else
				go("enable rule id " .. id[i])
				on[i] = true
			end
			expect()
		end
		for i = 1, #all do
			if not on[i] then
				go("enable rule id " .. id[i])
			end
		end
		assert.same(all, (rules()))
	end)

	it("find their place by what stands there when the chain was made anew, and say so", function()
		add("tcp dport 1", "tcp dport 2", "tcp dport 3")
		local before, handles = rules()
		go("disable rule inet t c handle " .. handles[2])
		ns:run "nft 'flush chain inet t c; add rule inet t c tcp dport 7; add rule inet t c tcp dport 1; add rule inet t c tcp dport 3'"
		assert.matches("neighbours are not what they were", go "enable rule id 1")
		assert.same({ "tcp dport 7", before[1], before[2], before[3] }, (rules()))
	end)

	it("go behind what was put between since", function()
		add("tcp dport 1", "tcp dport 2", "tcp dport 3")
		local _, handles = rules()
		go("disable rule inet t c handle " .. handles[2])
		ns:run("nft add rule inet t c handle " .. handles[1] .. " tcp dport 9")
		assert.matches("index 2 of 4", (go "enable rule id 1"))
		assert.same({ "tcp dport 1", "tcp dport 9", "tcp dport 2", "tcp dport 3" }, (rules()))
	end)

	it("are neither lost nor doubled by a death between disk and kernel", function()
		add("tcp dport 1", "tcp dport 2", "tcp dport 3")
		local before, handles = rules()
		local file = dir .. "/sock.state/disabled.json"
		go("disable rule inet t c handle " .. handles[2])
		-- died after the kernel, before the word of it
		local off = memory()
		sh.write(file, (off:gsub('"state":"off"', '"state":"going"')))
		assert.matches("index 1 of 3", (go "enable rule id 1"))
		assert.same(before, (rules()))
		-- died after enabling, before the word of it
		sh.write(file, (off:gsub('"state":"off"', '"state":"coming"'):gsub('"top":0', '"top":' .. handles[3])))
		assert.matches("in force already", go "enable rule id 1")
		assert.same(before, (rules()))
		-- died before the kernel was told: of disabling …
		sh.write(file, (off:gsub('"state":"off"', '"state":"going"'):gsub('"handle":%d+', '"handle":' .. handles[1], 1)))
		assert.matches("in force already", go "enable rule id 1")
		assert.same(before, (rules()))
		-- … and of enabling
		handles = select(2, rules())
		ns:run("nft delete rule inet t c handle " .. handles[2])
		sh.write(file, (off:gsub('"state":"off"', '"state":"coming"'):gsub('"top":0', '"top":' .. handles[2])))
		assert.matches("index 1 of 3", (go "enable rule id 1"))
		assert.same(before, (rules()))
	end)

	it("are cloned behind the original, to a place, and to another chain", function()
		add('tcp dport 1 counter packets 5 bytes 6 comment "a"', "tcp dport 2")
		local _, handles = rules()
		go("clone rule inet t c handle " .. handles[1])
		go "clone rule inet t c index 2 before index 0"
		go "clone rule inet t c index 0 to d"
		go "clone rule inet t c index 1 to inet t d before"
		assert.same({ "tcp dport 2", 'tcp dport 1 counter packets 5 bytes 6 comment "a"',
			'tcp dport 1 counter packets 0 bytes 0 comment "a"', "tcp dport 2" }, (rules()))
		assert.same({ 'tcp dport 1 counter packets 0 bytes 0 comment "a"', "tcp dport 2" }, (rules "d"))
	end)

	it("are refused where there is no such rule or chain, with the place", function()
		add "tcp dport 1"
		assert.matches("command:1:23: chain 'c' has no rule with handle 99", refused "disable rule inet t c handle 99")
		assert.matches("index 5: the chain has 1 rules", refused "clone rule inet t c index 5")
		assert.matches("there is no chain 'x' in table inet t", refused "disable rule inet t x handle 1")
		assert.matches("no disabled rule has this id", refused "enable rule id 7")
		assert.matches("expected `handle` or `index`", refused "disable rule inet t c")
		assert.matches("unexpected `chain`, expected `rule`", refused "disable chain inet t c")
		sh.write(dir .. "/file", "disable rule inet t c handle 2\n")
		assert.matches("a file can not have it", refused("load " .. dir .. "/file"))
		assert.same({ "tcp dport 1" }, (rules()))
	end)

	it("stay when the kernel refuses them, and can be forgotten", function()
		add("jump d", "tcp dport 2")
		local _, handles = rules()
		go("disable rule inet t c handle " .. handles[1])
		ns:run "nft delete chain inet t d"
		assert.matches("d", refused "enable rule id 1")
		assert.matches("jump d", go "list disabled")
		assert.same({ "tcp dport 2" }, (rules()))
		go "delete rule id 1"
		assert.equal("", go "list disabled inet t c")
	end)

	it("are remembered in a file that is not believed when others could have written it, or it is torn", function()
		add("tcp dport 1", "tcp dport 2")
		local _, handles = rules()
		go("disable rule inet t c handle " .. handles[1])
		local file, text = dir .. "/sock.state/disabled.json", memory()
		sh.run("chmod 666 " .. file)
		assert.matches("can be written by others", refused "enable rule id 1")
		sh.run("chmod 600 " .. file)
		for _, bad in ipairs { "", "{", text:sub(1, -20), (text:gsub('"version":1', '"version":9')), (text:gsub('"family":"inet"', '"family":"x"')),
			(text:gsub('"kind":"end"', '"kind":"nowhere"')), (text:gsub('"rule":"[^"]*"', '"rule":"a\\n"')) } do
			sh.write(file, bad)
			assert.matches("can not be read", refused "enable rule id 1")
			assert.matches("can not be read", refused("disable rule inet t c handle " .. handles[2]))
			assert.equal(bad, memory())
		end
		-- what is no single rule is not run
		for _, bad in ipairs { "accept; flush ruleset", "accept }", "nothing at all" } do
			sh.write(file, (text:gsub('"rule":"[^"]*"', function() return '"rule":"' .. bad .. '"' end)))
			refused "enable rule id 1"
			assert.same({ "tcp dport 2" }, (rules()))
		end
		sh.write(file, text)
		go "enable rule id 1"
		assert.same({ "tcp dport 1", "tcp dport 2" }, (rules()))
	end)
end)
