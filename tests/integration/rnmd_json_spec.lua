-- SPDX-License-Identifier: GPL-2.0-or-later
-- What programs get of the running daemon: JSON-RPC, and plans as JSON.
local daemon = require "daemon"
local json = require "rnm.core".json
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local policy = [[
local t = nft.table("inet", "t")
local s = t:set("s", { type = "ipv4_addr", elements = { "192.0.2.1", "192.0.2.2" } })
local c = t:chain("in", { type = "filter", hook = "input", priority = 0 }):rule("ip saddr @s counter accept")
function on_link_change(ev)
  if ev.link.name == "wan0" and ev.action ~= "del" then c:rule("iifname wan0 counter") end
end
function on_addr_change() end
rnm.on("message", { topic = "ban" }, function (ev) s:add(ev.data.address) end)
]]

describe("rnmd", function()
	local ns, d

	local function start(config)
		d = daemon.start(ns, { packs = { ["a.lua"] = policy }, config = config })
	end
	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
	end)
	after_each(rnmd.clean)

	-- Requests {method, params text} on one connection → answers.
	local function rpc(...)
		local lines, answers = {}, {}
		for i, r in ipairs { ... } do
			lines[i] = ('{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n'):format(i, r[1], r[2] or "{}")
		end
		sh.write(d.dir .. "/ask", table.concat(lines))
		for line in sh.run(("socat -t 10 - UNIX:%s <%s/ask"):format(d.socket, d.dir)):gmatch "[^\n]+" do
			answers[#answers + 1] = assert(json.read(line))
			assert.equal(tostring(#answers), answers[#answers].id)
		end
		assert.equal(select("#", ...), #answers)
		return table.unpack(answers)
	end
	local function plan(options)
		return assert(json.read((d:cmd("plan --json" .. (options or ""))[1])))
	end
	-- { "sign text", … }
	local function commands(p)
		local list = {}
		for i, op in ipairs(p.operations) do
			list[i] = op.sign .. " " .. op.text:gsub("handle %d+", "handle N")
		end
		return list
	end

	it("answers programs as it answers people", function()
		start()
		local ping, status, eval, list, why, emit, reload, bad = rpc({ "ping" }, { "status" }, { "eval", [[{"code":"return 1 + 2"}]] },
			{ "list", [[{"what":"inet t s"}]] }, { "why", [[{"what":["inet t","s"]}]] },
			{ "emit", [[{"topic":"ban","data":{"address":"192.0.2.9"}}]] }, { "reload" }, { "eval", [[{"code":"\n\nerror 'no'"}]] })
		assert.equal("pong", ping.result)
		assert.equal(tostring(d.process.pid), status.result.pid)
		assert.same({ "3" }, eval.result.lines)
		assert.equal("s", list.result.nftables[3].set.name)
		local set = why.result.found[1]
		assert.same({ "set", "s", "2", "2", "a", "a.lua", "2", "main chunk", "start", "rule", "ip saddr @s counter accept" },
			{ set.kind, set.name, set.elements, set.filled_by[1].elements, set.declared_by[1].provenance.pack,
				set.declared_by[1].provenance.file, set.declared_by[1].provenance.line, set.declared_by[1].provenance.run,
				set.filled_by[1].provenance.event, set.named_by[1].kind, set.named_by[1].rule })
		assert.same({ handlers = "1" }, emit.result)
		assert.same({ d.config, {}, {}, {}, {}, "0" }, { reload.result.configuration, reload.result.warnings, reload.result.at_restart,
			reload.result.dropped, reload.result.pending, reload.result.counts.operations })
		assert.equal("eval:3: no", bad.error.message)
		assert.same({ "eval", "3" }, { bad.error.data.file, bad.error.data.line })
		assert.same({ "192.0.2.1", "192.0.2.2", "192.0.2.9" }, nft.set(ns, "inet t s"))
		-- the code is code, whatever it looks like
		local dry, pack, unknown = rpc({ "eval", [[{"code":"--dry-run\nnft.table('inet', 'e')"}]] },
			{ "eval", [[{"code":"return s","pack":"a b"}]] }, { "eval", [[{"code":"return 1","pck":"a"}]] })
		assert.is_nil(dry.error)
		assert.matches("table inet e", nft.ruleset(ns))
		assert.matches("a b", pack.error.message)
		assert.equal("'eval' has no parameter 'pck'; did you mean 'pack'?", unknown.error.message)
		-- refused by the kernel
		local refused = rpc { "eval", [[{"code":"nft.table('inet', 't'):chain('in'):rule('tcp dport 9 tproxy ip to :80')"}]] }
		assert.equal("-32002", refused.error.code)
		assert.same({ "eval", "1" }, { refused.error.data.file, refused.error.data.line })
		rnmd.stop(d)
	end)

	it("tells programs what a change did", function()
		start()
		d:cmd "eval nft.table('inet','t'):set('mine', { type = 'inet_service', elements = { 22 } })"
		d:pack("a.lua", policy .. "nft.table('inet','t'):chain('in'):rule 'tcp dport @ports accept'\n"
			.. "nft.table('inet','t'):chain('in'):rule 'tcp dport 23 accept'\n")
		local answer = rpc { "reload" }.result
		assert.same({ "2", "1", "1" }, { answer.counts.operations, answer.counts.add, answer.counts.delete })
		assert.same({ "rule", "tcp dport 23 accept", "a" }, { answer.operations[1].kind, answer.operations[1].rule, answer.operations[1].pack })
		assert.matches("console: eval:1: dropped: set inet t mine", table.concat(answer.dropped, "\n"), 1, true)
		assert.same({ "a.lua", "9", "pending" }, { answer.pending[1].file, answer.pending[1].line, answer.pending[1].state })
		assert.same({ "pending: in in inet t: a.lua:9:11: set @ports is not stated, or nobody gave its type (a, a.lua:9)" }, d:cmd "reload")
		-- apply and confirm
		d:pack("a.lua", policy)
		local applied, status, kept, nothing = rpc({ "apply", [[{"confirm":60}]] }, { "status" }, { "confirm" }, { "confirm" })
		assert.same({ "pending", d.config, "1" }, { applied.result.apply.state, applied.result.apply.configuration, applied.result.counts.delete })
		assert.is_true(tonumber(applied.result.apply.rolled_back_in) > 50)
		assert.equal("pending", status.result.apply.state)
		assert.same({ apply = { state = "none" } }, kept.result)
		assert.equal("nothing waits for a confirmation", nothing.error.message)
		-- undo
		d:cmd "eval nft.table('inet','t'):set('p', { type = 'inet_service', elements = { 22 } })"
		d:cmd "eval nft.table('inet','t'):chain('in'):rule('tcp dport @p drop')"
		local undone = rpc { "undo", [=[["#99"]]=] }
		assert.same({ "-32004", "there is no eval #99 that could be undone" }, { undone.error.code, undone.error.message })
		undone = rpc { "undo", [[{"what":"all"}]] }.result
		assert.same({ "3", "2" }, { undone.undone[1].id, undone.undone[2].id })
		assert.same({ "console", "0", false }, { undone.undone[1].pack, undone.undone[1].edits_left, undone.undone[1].forgotten })
		assert.same({}, undone.waits)
		-- metrics
		local by = {}
		for _, m in ipairs(rpc { "metrics" }.result.metrics) do by[m.name] = m end
		assert.same({ "gauge", { { name = "rnm_ready", labels = {}, value = "1" } } }, { by.rnm_ready.type, by.rnm_ready.samples })
		assert.equal("a", by.rnm_pack_calls_total.samples[1].labels.pack)
		assert.equal("histogram", by.rnm_commit_seconds.type)
		rnmd.stop(d)
	end)

	it("streams what happens", function()
		start()
		local p = sh.spawn(("%s/rnm -s %s monitor --json"):format(os.getenv "RNM_BUILD" or "build", d.socket))
		sh.eventually(function()
			d:cmd "emit probe"
			return p:output():find "probe"
		end)
		ns:run "ip link set wan1 mtu 1400"
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		d:cmd "emit ban address=192.0.2.7"
		d:cmd "emit other x=y"
		local text = sh.eventually(function() return p:output():match ".*other.*\n" end)
		local got = {}
		for line in text:gmatch "[^\n]+" do
			local n = assert(json.read(line))
			got[#got + 1] = n.method and n or nil
		end
		local link, addr, commit
		for _, n in ipairs(got) do
			assert.equal("2.0", n.jsonrpc)
			link = link or n.method == "event" and n.params.kind == "link" and n.params.changed and n.params.changed.mtu and n.params
			addr = addr or n.method == "event" and n.params.kind == "addr" and n.params
			commit = commit or n.method == "commit" and n.params.event:find "ban" and n.params
		end
		assert.same({ "change", "1500" }, { link.action, link.changed.mtu })
		assert.same({ "wan1", "1400" }, { link.link.name, link.link.mtu })
		assert.same({ "add", "wan0", "192.0.2.1", "24", "ipv4" }, { addr.action, addr.iface, addr.address, addr.prefixlen, addr.family })
		assert.same({ "+ add element inet t s { 192.0.2.7 }" }, commands(commit.plan))
		assert.equal("message", commit.origin)
		assert.same({ "message", { topic = "other", data = { x = "y" }, handlers = "0" } }, { got[#got].method, got[#got].params })
		rnmd.stop(d)
		assert.matches('"method":"end","params":{}}\n$', (sh.eventually(function() return p:status() and p:output() end)))
		assert.equal(0, (p:stop()))
	end)

	it("counts for Prometheus", function()
		start()
		local typed, values = {}, {}
		local function read()
			for _, line in ipairs(d:cmd "metrics") do
				local name, kind = line:match "^# TYPE (rnm_[%l_]+) (%l+)$"
				local sample, value = line:match "^(rnm_[%l_]+%b{}) ([%d.]+)$"
				if not sample then
					sample, value = line:match "^(rnm_[%l_]+) ([%d.]+)$"
				end
				if name then
					assert.is_nil(typed[name])
					typed[name] = kind
				elseif sample then
					local base = sample:match "^[^{]+"
					assert.is_truthy(typed[base] or typed[base:gsub("_bucket$", ""):gsub("_sum$", ""):gsub("_count$", "")], line)
					assert.equal(typed[base] == "counter", base:find "_total$" ~= nil)
					values[sample] = tonumber(value)
				else
					assert.matches("^# HELP rnm_[%l_]+ [%u%d].*%.$", line)
				end
			end
			typed = {}
			return values
		end
		local v = read()
		assert.equal(1, v.rnm_ready)
		assert.equal(1, v['rnm_pack_running{pack="a"}'])
		assert.equal(2, v['rnm_ruleset{kind="element"}'])
		assert.equal(1, v.rnm_commits_total)
		assert.equal(0, v.rnm_repairs_total)
		d:cmd "emit ban address=192.0.2.7"
		ns:run "nft delete element inet t s '{ 192.0.2.1 }'"
		rnmd.settle(d)
		v = read()
		assert.equal(3, v.rnm_commits_total)
		assert.equal(1, v.rnm_repairs_total)
		assert.equal(3, v.rnm_commit_seconds_count)
		assert.equal(3, v['rnm_commit_seconds_bucket{le="+Inf"}'])
		assert.is_true(v.rnm_commit_seconds_sum >= v.rnm_commit_seconds_max and v.rnm_commit_seconds_max > 0)
		assert.equal(3, v['rnm_ruleset{kind="element"}'])
		assert.is_true(v['rnm_pack_calls_total{pack="a"}'] >= 1)
		assert.equal(table.concat(d:cmd "metrics", "\n"):gsub("%d[^\n]*", ""), (d:rnm "metrics":gsub("%d[^\n]*", ""):gsub("\n$", "")))
		rnmd.stop(d)
	end)

	it("plans nothing while the kernel holds what is wanted", function()
		start()
		local empty = { compared = true, operations = {}, counts = { operations = "0", add = "0", delete = "0", change = "0", recreate = "0" } }
		assert.same(empty, plan())
		assert.same(empty, plan " --read")
		assert.same(empty, (rpc { "plan", [[{"read":true}]] }).result)
		assert.same({}, d:cmd "plan --read")
		assert.matches("no arguments but %-%-json and %-%-read", select(3, d:ask "plan x"))
		-- what others did is mended, and what is left to mend is told
		ns:run "nft delete element inet t s '{ 192.0.2.1 }'"
		rnmd.settle(d)
		assert.same(empty, plan " --read")
		rnmd.stop(d)
	end)

	it("serves events and others while a plan reads the kernel", function()
		start()
		d:pack("b.lua", [[
local list = {}
for i = 1, 60000 do list[i] = ("10.%d.%d.1"):format(i >> 8, i & 255) end
nft.table("inet", "b"):set("s", { type = "ipv4_addr", elements = list })
]])
		d:cmd "reload"
		local pid = json.read(d:cmd "status --json"[1]).pid
		-- A plan whose reader stands still → its process, the reader.
		local function stopped()
			for _ = 1, 50 do
				local p = sh.spawn(("sh -c 'echo plan --read | socat -t 30 - UNIX:%s'"):format(d.socket))
				while not p:status() do
					local reader = sh.try("env -u LD_PRELOAD ps -o pid= --ppid " .. pid):match "%d+"
					if reader and select(2, sh.try("kill -STOP " .. reader)) == 0 and sh.try("env -u LD_PRELOAD ps -o stat= -p " .. reader):match "^T" then
						return p, reader
					end
				end
			end
			error "no reader was met"
		end
		local p, reader = stopped()
		assert.same({ "pong" }, d:cmd "ping")
		ns:run "ip link set wan0 up"
		d:cmd "emit ban address=192.0.2.9"
		assert.same({ "192.0.2.1", "192.0.2.2", "192.0.2.9" }, nft.set(ns, "inet t s"))
		assert.is_nil(p:status())
		sh.run("kill -CONT " .. reader)
		sh.eventually(function() return p:status() end)
		assert.equal("OK\n", (p:output()))
		p, reader = stopped()
		rnmd.stop(d)
		assert.equal("ERR rnmd ends\n", (p:output()))
		-- gone, or left to a first process that takes no status of what it inherits
		sh.eventually(function() return not sh.try("env -u LD_PRELOAD ps -o stat= -p " .. reader):match "^[^Z%s]" end)
	end)

	it("plans nothing for tables that it owns", function()
		start "table: { owner: true }\n"
		assert.equal("0", plan " --read".counts.operations)
		assert.equal("0", plan().counts.operations)
		local out, status = ns:try(("%s/rnm -s %s check -c %s"):format(os.getenv "RNM_BUILD" or "build", d.socket, d.config))
		assert.equal(0, status, out)
		assert.matches("plan: nothing to send", out)
		d:pack("a.lua", policy:gsub("counter accept", "counter drop"))
		out = ns:run(("%s/rnm -s %s check -c %s"):format(os.getenv "RNM_BUILD" or "build", d.socket, d.config))
		assert.matches("note: tables that the running rnmd owns were not validated by the kernel\nplan: a start would send 1 operations\n~ replace rule", out)
		rnmd.stop(d)
	end)

	it("tells whose each operation of a dry run is", function()
		start()
		local before = nft.ruleset(ns)
		local answer = rpc({ "eval", [[{"dry_run":true,"code":"nft.table('inet','t'):chain('in'):rule('tcp dport 1 drop')\nreturn 5"}]] }).result
		assert.same({ "5" }, answer.lines)
		local op = answer.plan.operations[1]
		op.time = nil
		assert.same({ op = "add", sign = "+", kind = "rule", family = "inet", table = "t", chain = "in", rule = "tcp dport 1 drop",
			text = "add rule inet t in tcp dport 1 drop", pack = "console", where = { file = "eval", line = "1" }, run = "eval", event = "eval" }, op)
		assert.equal("1", answer.plan.counts.add)
		local out = d:rnm [[eval --dry-run --json 'nft.table("inet","t"):set("s"):add("192.0.2.8")']]
		op = json.read(out).plan.operations[1]
		assert.same({ "element", "s", "1", { "192.0.2.8" } }, { op.kind, op.name, op.count, op.elements })
		assert.same({ lines = { "6" } }, (json.read((d:rnm "eval --json 'return 6'"))))
		assert.equal(before, nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("shows what others changed and is left, and does not take it for its own", function()
		start "drift: warn\n"
		ns:run "nft 'delete element inet t s { 192.0.2.1 }; insert rule inet t in tcp dport 99 drop; delete rule inet t in handle 4'"
		rnmd.settle(d)
		local drifted = nft.ruleset(ns)
		for _ = 1, 2 do
			assert.same({
				"+ add element inet t s { 192.0.2.1 }",
				"+ add rule inet t in iifname wan0 counter",
				"- delete rule inet t in handle N # tcp dport 99 drop",
			}, commands(plan()))
			local lines = d:cmd "plan"
			assert.equal("+ add element inet t s { 192.0.2.1 }  # a a.lua:2, in main chunk, by start", lines[1])
			assert.equal("+ add rule inet t in iifname wan0 counter  # a a.lua:5, in on_link_change at a.lua:4, by start", lines[2])
			assert.equal(3, #lines)
		end
		local counts = plan().counts
		assert.same({ "2", "1", "0" }, { counts.add, counts.delete, counts.change })
		assert.equal(drifted, nft.ruleset(ns))
		-- other work goes on, and still nothing is mended
		d:cmd "emit ban address=192.0.2.9"
		assert.same({ "192.0.2.2", "192.0.2.9" }, nft.set(ns, "inet t s"))
		assert.matches("dport 99", nft.ruleset(ns))
		d:cmd "reload"
		assert.same({}, d:cmd "plan --read")
		assert.same({ "192.0.2.1", "192.0.2.2", "192.0.2.9" }, nft.set(ns, "inet t s"))
		rnmd.stop(d)
	end)

	describe("and rnm check", function()
		local function check(options)
			return ns:try(("%s/rnm -s %s check -c %s %s"):format(os.getenv "RNM_BUILD" or "build", d.socket, d.config, options or ""))
		end
		local function files()
			return sh.run(("cd %s && find . -type f ! -name '*.running' -exec md5sum {} + | sort"):format(d.dir))
		end

		it("hold files against the kernel, with the daemon and without", function()
			start()
			d:pack("keep.lua", "rnm.state.n = rnm.state.n or 7\nnft.table('inet', 'k'):chain('c'):rule('meta mark $n', { n = rnm.state.n })")
			d:cmd "reload"
			d:cmd "eval --pack keep rnm.state.n = 8"
			d:cmd "reload"
			d:halt() -- writes what it keeps
			d:launch()
			for _, running in ipairs { true, false } do
				if not running then
					rnmd.settle(d)
					d:halt()
				end
				local out, status = check()
				assert.equal(0, status, out)
				assert.matches("^plan: nothing to send, the kernel holds what is stated\nfine: 2 tables, .* nothing sent\n$", out)
				local value = json.read((check "--json"))
				assert.same({ true, true, true, "0", "0" }, { value.ok, value.compared, value.validated, value.problems, value.plan.counts.operations })
			end
			-- other files, another kernel
			d:pack("a.lua", (policy:gsub('"192.0.2.2"', '"192.0.2.3"'):gsub("counter accept", "counter drop")))
			d:pack("new.lua", "nft.table('inet', 'n'):chain('c'):rule('accept')")
			ns:run "nft 'delete element inet t s { 192.0.2.1 }; add table inet foreign'"
			local before, left = ns:run "nft -a list ruleset", files()
			local out, status = check()
			assert.equal(0, status, out)
			local lines = {}
			for line in out:gmatch "[^\n]+" do
				lines[#lines + 1] = line:gsub("handle %d+", "handle N")
			end
			table.remove(lines) -- fine: …
			assert.same({
				"plan: a start would send 6 operations",
				"+ add table inet n  # new new.lua:1, in main chunk, by start",
				"+ add chain inet n c  # new new.lua:1, in main chunk, by start",
				"- delete element inet t s { 192.0.2.2 }  # a a.lua:2, in main chunk, by start",
				"+ add element inet t s { 192.0.2.1, 192.0.2.3 }  # a a.lua:2, in main chunk, by start",
				"~ replace rule inet t in handle N ip saddr @s counter drop  # a a.lua:3, in main chunk, by start",
				"+ add rule inet n c accept  # new new.lua:1, in main chunk, by start",
			}, lines)
			local value = json.read((check "--json"))
			for i = 2, #lines do
				assert.equal(lines[i]:match "^(.-)  #", (value.plan.operations[i - 1].sign .. " " .. value.plan.operations[i - 1].text:gsub("handle %d+", "handle N")))
			end
			assert.same({ "6", "4", "1", "1" }, { value.plan.counts.operations, value.plan.counts.add, value.plan.counts.delete, value.plan.counts.change })
			assert.equal(before, ns:run "nft -a list ruleset")
			assert.equal(left, files())
			-- and that is what a start sends
			d:launch()
			assert.matches("start: 0 events, 6 operations", d:log())
			rnmd.stop(d)
		end)

		it("say what they could not compare, and what is wrong", function()
			start()
			d:pack("b.lua", "nft.table('inet', 't'):chain('x'):rule('jump nowhere')")
			d:pack("c.lua", "local x = = 1")
			local out, status = check "--json"
			local value = json.read(out:match "{.*}")
			assert.equal(1, status)
			assert.is_false(value.ok)
			assert.same({ "c", "left out" }, { value.packs[1].name, value.packs[1].state })
			assert.same({ "pending", "chain", "x", "b" }, { value.pending[1].state, value.pending[1].kind, value.pending[1].name, value.pending[1].pack })
			assert.matches("c.lua:1", table.concat(value.errors, "\n"))
			out, status = ns:try(("setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs %s/rnm -s %s check -c %s --json 2>/dev/null")
				:format(os.getenv "RNM_BUILD" or "build", d.socket, d.config))
			value = json.read(out:match "{.*}")
			assert.equal(1, status)
			assert.same({ false, false, "userdata" }, { value.compared, value.validated, type(value.plan) })
			assert.matches("could not be compared", table.concat(value.notes, "\n"))
			sh.write(d.dir .. "/bad.yaml", "log: debgu\n")
			out, status = ns:try(("chmod 600 %s/bad.yaml; %s/rnm check --json -c %s/bad.yaml"):format(d.dir, os.getenv "RNM_BUILD" or "build", d.dir))
			value = json.read(out)
			assert.equal(1, status)
			assert.matches("bad.yaml:1:6: log: .*did you mean 'debug'", value.errors[1])
			rnmd.stop(d)
		end)
	end)
end)
