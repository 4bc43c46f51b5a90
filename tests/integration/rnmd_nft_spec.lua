-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm nft COMMAND with a running daemon: its own tables are changed through it, others' beside it.
local daemon = require "daemon"
local dkjson = require "dkjson"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local pack = [[
local t = nft.table("inet", "t")
t:set("s", { type = "ipv4_addr", elements = { "10.0.0.1" } })
t:map("m", { type = "ipv4_addr : inet_service" })
local mtu = net.links { name = "wan0" }:map("mtu")
t:chain("input", { type = "filter", hook = "input", priority = 0 })
 :rule("tcp dport 1 counter accept")
 :rule("counter meta mark set $mtu", { mtu = mtu })
 :rule("tcp dport 2 counter accept")
 :rule("tcp dport 2 counter accept")
 :rule("jump sub")
t:chain("sub")
]]

describe("rnm nft with a running daemon", function()
	local ns, d

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		d = daemon.start(ns, { packs = { ["simple.lua"] = pack } })
	end)

	after_each(rnmd.clean)

	local function rules(chain)
		local out, handles = {}, {}
		for line in ns:run("nft -a list chain inet t " .. (chain or "input")):gmatch "[^\n]+" do
			local text, handle = line:match '^\t\t(.-) # handle (%d+)$'
			if text and not text:find("^type ") then
				out[#out + 1], handles[#handles + 1] = text:gsub(' comment ".*', ""):gsub("counter packets %d+ bytes %d+ (meta)", "%1"):gsub(" counter packets %d+ bytes %d+", ""), handle
			end
		end
		return out, handles
	end

	-- Through the tool, as an operator types it.
	local function tool(cmd)
		return ns:run(("%s/rnm -s %s nft %s"):format(os.getenv "RNM_BUILD" or "build", d.socket, cmd))
	end

	-- On the control socket.
	local function go(cmd)
		return table.concat(d:cmd("nft " .. cmd), "\n") .. "\n"
	end

	local function refused(cmd)
		local lines, ok, message = d:ask("nft " .. cmd)
		assert.is_false(ok)
		return message .. "\n" .. table.concat(lines, "\n")
	end

	local function plan()
		return table.concat(d:cmd "plan", "\n")
	end

	local all = { "tcp dport 1 accept", "meta mark set 0x000005dc", "tcp dport 2 accept", "tcp dport 2 accept", "jump sub" }

	it("keeps a pack's rule out of the kernel, over reload, drift and restart, and brings it back in its place", function()
		ns:run "echo x | socat -u STDIN UDP:192.0.2.1:9"
		local have, handles = rules()
		assert.same(all, have)
		assert.matches("of pack simple, simple.lua:5; to enable it: enable rule id 1", go("disable rule inet t input handle " .. handles[3]), 1, true)
		go("disable rule inet t input index 1")
		local want = { all[1], all[4], all[5] }
		assert.same(want, (rules()))
		local left = select(2, rules()) -- of the two equal rules the one that was named is gone
		assert.same({ handles[1], handles[4], handles[5] }, left)
		assert.equal("", plan())
		assert.matches("disabled: 2 rules, 0 of them not stated now", rnmd.status(d))
		assert.matches("\t\t# disabled, id 1: tcp dport 2 counter accept\n", table.concat(d:cmd "list inet t input", "\n"), 1, true)
		assert.matches("# disabled, id 2: counter meta mark set $mtu\n", table.concat(d:cmd "list inet t input", "\n"), 1, true)
		assert.matches("not in force: it is disabled", table.concat(d:cmd "why inet t input", "\n"), 1, true)
		assert.matches("id 1: inet t input, was handle %d+; since .-\n    tcp dport 2 counter accept\n    stated by pack simple, simple.lua:5\n",
			(go "list disabled"))
		-- the value of a live parameter is no part of what the rule is
		ns:run "ip link set wan0 mtu 1300"
		d:cmd "reload"
		assert.same(want, (rules()))
		-- somebody puts it in again
		ns:run "nft insert rule inet t input tcp dport 2 counter accept"
		sh.eventually(function() return #rules() == 3 end)
		d:halt()
		d:launch()
		assert.same(want, (rules()))
		assert.same(left, (select(2, rules())))
		assert.equal("", plan())
		assert.matches("enabled: ", (go "enable rule id 2"))
		assert.same({ all[1], "meta mark set 0x00000514", all[4], all[5] }, (rules()))
		go("enable rule inet t input handle " .. handles[3])
		assert.same({ all[1], "meta mark set 0x00000514", all[3], all[4], all[5] }, (rules()))
		assert.equal("\n", go "list disabled")
		rnmd.stop(d)
	end)

	it("brings rules back in order, whatever is disabled and enabled in whatever order", function()
		math.randomseed(tonumber(os.getenv "RNM_SEED") or 4711)
		local id = {}
		local function expect()
			local want = {}
			for i, text in ipairs(all) do
				want[#want + 1] = not id[i] and text or nil
			end
			assert.same(want, (rules()))
		end
		for step = 1, 20 do
			local i = math.random(#all)
			if id[i] then
				go("enable rule id " .. id[i])
				id[i] = nil
			else
				local index = 0
				for j = 1, i - 1 do
					index = index + (id[j] and 0 or 1)
				end
				id[i] = go("disable rule inet t input index " .. index):match "id (%d+)"
			end
			if step % 7 == 0 then
				d:cmd "reload"
			end
			expect()
		end
		assert.equal("", plan())
	end)

	it("is no reason for rnm check to fail or to show a difference", function()
		go "disable rule inet t input index 0"
		local out = ns:run(("%s/rnm -s %s check -c %s"):format(os.getenv "RNM_BUILD" or "build", d.socket, d.config))
		assert.matches("^plan: nothing to send.*2 chains, 4 rules.* 0 pending, 0 problems, 0 warnings", out)
	end)

	it("tells of disabled rules that nobody states now, and finds them again", function()
		local _, handles = rules()
		go("disable rule inet t input handle " .. handles[1])
		d:pack("simple.lua", (pack:gsub('"tcp dport 1 counter accept"', '"tcp dport 11 counter accept"')))
		d:cmd "reload"
		assert.equal("tcp dport 11 accept", rules()[1])
		assert.matches("not stated now; it was by pack simple, simple.lua:5", go "list disabled", 1, true)
		assert.matches("disabled: 1 rules, 1 of them not stated now", rnmd.status(d))
		d:pack("simple.lua", "-- moved\n\n" .. pack)
		d:cmd "reload"
		assert.equal(all[2], rules()[1])
		assert.matches("stated by pack simple, simple.lua:7", go "list disabled", 1, true)
		d:pack("simple.lua", (pack:gsub('"tcp dport 1 counter accept"', '"tcp dport 11 counter accept"')))
		d:cmd "reload"
		assert.matches("forgotten: .*does not state it now", (go "delete rule id 1"))
		assert.equal("\n", go "list disabled")
	end)

	it("states what is added as the console's: no drift, and it ends with a reload", function()
		local before = ns:run "nft list table inet t"
		local monitor = nft.monitor(ns)
		go "add rule inet t input tcp dport 3 counter accept"
		go "insert rule inet t input tcp dport 4 drop"
		go "add chain inet t own { type filter hook output priority 5; policy accept; }; add rule inet t own counter"
		go "add set inet t ports { type inet_service; flags interval; }"
		go "add element inet t ports { 22, 80-90 }"
		go "add element inet t s { 10.0.0.2, 10.0.0.3 comment \"x\" }"
		go "add element inet t m { 10.0.0.2 : 80 }"
		go "add counter inet t c"
		assert.equal(8, (monitor:generations()))
		local have = rules()
		assert.equal("tcp dport 4 drop", have[1])
		assert.equal("tcp dport 3 accept", have[#have])
		assert.same({ "10.0.0.1", "10.0.0.2", "10.0.0.3" }, nft.set(ns, "inet t s"))
		assert.same({ "22", "80-90" }, nft.set(ns, "inet t ports"))
		assert.same({ "10.0.0.2 : 80" }, nft.map(ns, "inet t m"))
		assert.equal("", plan())
		assert.matches("console, nft:%d", table.concat(d:cmd "why tcp dport 3", "\n"))
		assert.not_matches("changed nftables", d:log())

		go "delete element inet t s { 10.0.0.3 }"
		go "delete element inet t m { 10.0.0.2 }"
		assert.matches("held by simple", refused "delete element inet t s { 10.0.0.1 }")
		assert.same({ "10.0.0.1", "10.0.0.2" }, nft.set(ns, "inet t s"))
		local _, handles = rules()
		go("replace rule inet t input handle " .. handles[1] .. " tcp dport 44 drop")
		have = rules()
		assert.equal("tcp dport 44 drop", have[1])
		go("delete rule inet t input handle " .. select(2, rules())[1])
		go "flush chain inet t own"
		go "delete chain inet t own"
		go "delete set inet t ports"
		go "delete counter inet t c"
		assert.equal("", plan())
		monitor:close()
		assert.matches("console: nft:%d+: dropped: ", table.concat(d:cmd "reload", "\n"))
		local function no_counts(text) return (text:gsub("packets %d+ bytes %d+", "")) end
		assert.equal(no_counts(before), no_counts(ns:run "nft list table inet t"))
		rnmd.stop(d)
	end)

	it("refuses to take back what packs state, with who does and what to do, and names the place of an error", function()
		local _, handles = rules()
		local before = ns:run "nft -a list table inet t"
		for _, cmd in ipairs { "delete rule inet t input handle " .. handles[1], "replace rule inet t input handle " .. handles[1] .. " accept" } do
			local text = refused(cmd)
			assert.matches("it is stated by simple, simple.lua:5: change it there, or keep the rule out of the kernel by `disable rule`", text, 1, true)
			assert.matches("command:1:%d+", text)
		end
		for _, cmd in ipairs { "flush chain inet t input", "delete chain inet t sub", "delete table inet t", "flush table inet t", "delete set inet t s" } do
			assert.matches("stated by simple, simple.lua:", refused(cmd), 1, true)
		end
		assert.matches("nobody states a chain 'nope' in table inet t", refused "add rule inet t nope accept")
		assert.matches("command:1:23: unexpected `tpc`", refused "add rule inet t input tpc dport 5", 1, true)
		assert.matches("handles, positions and indexes say nothing", refused("add rule inet t input handle " .. handles[1] .. " accept"))
		assert.matches("stated already", refused "create chain inet t sub")
		assert.matches("matter of the packs", refused "rename chain inet t sub x")
		assert.matches("no rule with handle 999 that a pack states", refused "delete rule inet t input handle 999")
		assert.matches("can not be changed in one go", refused "add table inet other; add chain inet t x")
		go "destroy rule inet t input handle 999"
		assert.equal(before, ns:run "nft -a list table inet t")
		assert.equal("", plan())
	end)

	it("changes tables of others at once, beside the daemon, and remembers their disabled rules in the same file", function()
		ns:run "nft 'add table ip x; add chain ip x c; add rule ip x c accept; add rule ip x c drop; add rule ip x c counter'"
		tool "add rule ip x c tcp dport 1 accept"
		tool "disable rule ip x c index 1"
		local _, handles = rules()
		tool("disable rule inet t input handle " .. handles[1])
		tool "'add element inet t s { 10.0.0.9 }'"
		assert.same({ "10.0.0.1", "10.0.0.9" }, nft.set(ns, "inet t s"))
		assert.matches("^id 1: ip x c, was handle 3, after handle 2, before handle 4; .-\n    drop\nid 2: inet t input", (tool "list disabled"))
		assert.not_matches("drop", ns:run "nft list chain ip x c")
		go "enable rule ip x c handle 3"
		assert.matches("accept\n\t\tdrop\n\t\tcounter packets 0 bytes 0\n\t\ttcp dport 1 accept\n", ns:run "nft list chain ip x c", 1, true)
		go "enable rule id 2"
		assert.same(all, (rules()))
	end)

	it("warns of files that change rnm's own tables, which is drift", function()
		d:write("file.nft", "add rule inet t sub tcp dport 77 accept\n")
		assert.matches("table inet t is rnm's own: rnmd puts right what a file does to it", (ns:try(("%s/rnm nft load %s/file.nft"):format(
			os.getenv "RNM_BUILD" or "build", d.dir))), 1, true)
		sh.eventually(function() return #rules "sub" == 0 end)
	end)

	it("answers the same on the control socket, for root", function()
		ns:run "nft 'add table ip x; add chain ip x c'"
		assert.same({ "table inet t", "table ip x" }, d:cmd "nft list tables")
		d:cmd "nft add rule ip x c accept"
		d:cmd "nft add rule inet t input tcp dport 3 accept"
		assert.same({ "table ip x {", "\tchain c {", "\t\taccept", "\t}", "}" }, d:cmd "nft list chain ip x c")
		local lines, ok, message = d:ask "nft add rule ip x c tcp dprot 1"
		assert.is_false(ok)
		assert.matches("command:1:", message .. table.concat(lines, "\n"))
		local answer = sh.run(([[printf '{"jsonrpc":"2.0","id":1,"method":"nft","params":{"command":"list table ip x"}}\n' | socat -t 5 - UNIX:%s]]):format(d.socket))
		assert.same("\t\taccept", dkjson.decode(answer).result.lines[3])
	end)

	it("clones into its own tables as the console's, and out of them", function()
		ns:run "nft 'add table ip x; add chain ip x c; add rule ip x c tcp dport 7 counter accept'"
		go "clone rule ip x c index 0 to inet t sub"
		assert.same({ "tcp dport 7 accept" }, (rules "sub"))
		go "clone rule inet t input index 0 to ip x c before index 0"
		assert.matches("tcp dport 1 counter packets 0 bytes 0 accept comment \"simple:5\"\n\t\ttcp dport 7", ns:run "nft list chain ip x c")
		go "clone rule inet t input index 0 to inet t sub"
		assert.matches('tcp dport 1 .-comment "console:%d+"', ns:run "nft list chain inet t sub")
		assert.matches("say nothing", refused "clone rule ip x c index 0 to inet t sub before index 0")
		assert.equal("", plan())
	end)

	it("loses nothing when rnmd is killed between the word on the disk and the kernel", function()
		local _, handles = rules()
		local file = d.socket .. ".state/disabled.json"
		go("disable rule inet t input handle " .. handles[1])
		local off = sh.read(file)
		go "enable rule id 1"
		local on = sh.read(file)
		d:halt "KILL"
		sh.write(file, off)
		d:launch()
		assert.same({ all[2], all[3], all[4], all[5] }, (rules()))
		d:halt "KILL"
		sh.write(file, on)
		d:launch()
		assert.same(all, (rules()))
		d:halt "KILL"
		sh.write(file, "{ torn")
		d:launch()
		assert.same(all, (rules()))
		assert.matches("no rule is disabled until that is mended", d:log())
		assert.matches("can not be read", refused("disable rule inet t input index 0"))
		assert.equal("{ torn", sh.read(file))
	end)

	it("does nothing that it can not write down, and does not say that it did", function()
		sh.run(("mkdir -p %s.state/disabled.json.new"):format(d.socket))
		local said = refused "disable rule inet t input index 0"
		assert.matches("can not write", said)
		assert.not_matches("to enable it", said)
		assert.same(all, (rules()))
	end)

	it("reaches tables that only rnmd may write to", function()
		d:stop()
		ns:run "nft delete table inet t"
		d = daemon.start(ns, { config = "table: { owner: true }\n", packs = { ["simple.lua"] = pack } })
		assert.matches("Operation not permitted", (ns:try "nft add rule inet t sub accept"))
		tool "add rule inet t sub accept"
		assert.same({ "accept" }, (rules "sub"))
		tool "disable rule inet t input index 0"
		assert.same({ all[2], all[3], all[4], all[5] }, (rules()))
		tool "enable rule id 1"
		assert.same(all, (rules()))
		assert.equal("", plan())
	end)

	it("says what it means to change rnm's tables without rnmd", function()
		d:halt()
		local out = tool "add rule inet t input tcp dport 9 accept"
		assert.matches("table inet t is rnm's own, and rnmd does not run: this lasts until rnmd's next start", out, 1, true)
		assert.matches("rnmd does not run: start it", (ns:try(("%s/rnm -s %s nft disable rule inet t input index 0"):format(os.getenv "RNM_BUILD" or "build", d.socket))), 1, true)
		d:launch()
		assert.same(all, (rules()))
	end)
end)
