-- SPDX-License-Identifier: GPL-2.0-or-later
local sh = require "sh"

local rnm = (os.getenv "RNM_BUILD" or "build") .. "/rnm"

describe("rnm check", function()
	local dir

	before_each(function()
		dir = sh.tempdir()
		sh.run("chmod 755 " .. dir .. "; mkdir -m 755 " .. dir .. "/p")
	end)
	after_each(function()
		sh.run("rm -rf " .. dir)
	end)

	-- Output and status with this policy; config replaces the file's text.
	local function check(policy, config, prefix)
		sh.write(dir .. "/p/a.lua", policy)
		sh.write(dir .. "/c.yaml", config or "policies: { dirs: [p] }\n")
		sh.run("chmod -R go-w " .. dir)
		return sh.try(("%s%s check -c %s/c.yaml"):format(prefix or "", rnm, dir))
	end

	it("runs everything against the present network and sends nothing", function()
		local before = sh.run "nft list ruleset"
		local out, status = check([[
local t = nft.table("inet", "rnm_check_test")
t:set("here", { type = "ipv4_addr", elements = net.addrs { iface = "lo", family = "ipv4" } })
t:chain("inp", { type = "filter", hook = "input", priority = 0 }):rule("ip saddr @here counter accept")
rnm.each(net.links { name = "lo" }, function (l) t:chain("on-" .. l.name):rule("accept") end)
]], "policies: { dirs: [p] }\ninterfaces: [{ name: lo, dhcp: true }]\n")
		assert.equal(0, status, out)
		assert.matches("note: .+/c.yaml:2:26: interfaces%[0%]%.dhcp: lo: dhcp is watched only", out)
		assert.matches("\nfine: 1 tables, 2 chains, 2 rules, 1 sets, 1 elements; 0 pending, 0 problems, 0 warnings; "
			.. "validated by the kernel, nothing sent\n$", out)
		assert.equal(before, sh.run "nft list ruleset")
	end)

	it("tells all problems of a configuration", function()
		local out, status = check("", "policies: { dirs: [p] }\nlog: debgu\nquux: 1\n")
		assert.equal(1, status)
		assert.matches("c%.yaml:2:6: log: .+ did you mean 'debug'%?\n.+c%.yaml:3:1: quux: unknown key", out)
		out, status = check("", "policies: { dirs: [p] }\npacks: { b: {} }\n")
		assert.equal(1, status)
		assert.matches("c%.yaml:2:10: packs%.b: no such pack", out)
		out, status = sh.try(rnm .. " check -c " .. dir .. "/none.yaml")
		assert.equal(1, status)
		assert.matches("there is no file", out)
	end)

	it("fails for policies that fail", function()
		for policy, message in pairs {
			["local x = = 1"] = "pack a: left out: a%.lua:1: unexpected symbol",
			["error 'boom'"] = "pack a: left out: a%.lua:1: boom\n",
			["nft.table('inet', 't'):chain('c'):rule('tcp dprot 22 accept')"] = "did you mean `dport`",
			["function on_adr_change() end"] = "did you mean on_addr_change",
			["nft.table('inet', 't'):chain('c'):rule('jump nowhere')"] = "pending: inet t c: chain nowhere is not stated",
			["nft.table('inet', 't'):chain('c'):rule('ip saddr @nowhere accept')"] = "set @nowhere is not stated",
			["nft.table('inet', 't'):chain('c', { type = 'nat', hook = 'prerouting', priority = -200 }):rule('accept')"] =
				"refused: inet t c: the kernel refused it %(a, a%.lua:1%)",
		} do
			local out, status = check(policy)
			assert.equal(1, status, policy .. "\n" .. out)
			assert.matches(message, out)
			assert.matches("\nfailed: ", out)
		end
	end)

	it("warns of policies that depend on the moment", function()
		local out, status = check "nft.table('inet', 't'):chain('c'):rule('tcp dport $p accept', { p = math.random(1, 65535) })"
		assert.equal(0, status)
		assert.matches("warning: loaded a second time, .+\n  first:  .+tcp dport %d+ accept\n  second: .+tcp dport %d+ accept\n", out)
		assert.matches("1 warnings", out)
	end)

	it("needs no rights, and says what was not done", function()
		local out, status = check("nft.table('inet', 't'):chain('c'):rule('accept')", nil,
			"setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs ")
		assert.equal(0, status, out)
		assert.matches("note: the kernel was not asked: ", out)
		assert.matches("1 rules, .+ the kernel was not asked, nothing sent\n$", out)
	end)

	it("does as the daemon would where it already runs", function()
		sh.run "nft add table inet rnm_foreign"
		local out, status = check "nft.table('inet', 'rnm_foreign'):chain('c'):rule('accept')"
		sh.run "nft delete table inet rnm_foreign"
		assert.equal(1, status, out)
		assert.matches("rnm_foreign", out)
	end)
end)
