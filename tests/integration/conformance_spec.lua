-- SPDX-License-Identifier: GPL-2.0-or-later
-- The part of `make conformance` that is quick: all whole rulesets and what must be refused, and of the rules those files that
-- are not made by the hundred. With the sanitizers a part of that.
local conf = require "conformance"
local sh = require "sh"

local san = (os.getenv "RNM_BUILD" or ""):find "san$"

if select(2, sh.try "unset LD_PRELOAD; nft list ruleset") ~= 0 then
	pending "needs nft and a namespace"
	return
end

local function check(list)
	local bad = {}
	for _, r in ipairs(list) do
		if not r.degree then
			bad[#bad + 1] = ("%s: %s\n%s"):format(r.kind, r.what, tostring(r.note))
		end
	end
	assert.equal("", table.concat(bad, "\n"))
	assert.is_true(#list > 0)
end

describe("as nft does it:", function()
	teardown(conf.clean)

	for i, path in ipairs(conf.files "cases") do
		if not san or i % 3 == 1 then
			it("loads " .. path:match "[^/]*$", function()
				check(conf.case(path))
			end)
		end
	end

	it("loads the example, and only checks it when told so", function()
		check(conf.case "examples/nft/nftables.conf")
		local dump = require "nfdump"
		local before = dump.generation()
		sh.run(("unset LD_PRELOAD; %s/rnm nft load -c examples/nft/nftables.conf"):format(os.getenv "RNM_BUILD" or "build"))
		assert.equal(before, dump.generation())
	end)

	for i, path in ipairs(conf.files "rules") do
		if path:find "%.txt$" and (not san or i % 8 == 1) then
			it("compiles " .. path:match "[^/]*$", function()
				check(conf.rules(path, not san))
			end)
		end
	end

	for _, path in ipairs(conf.files "negative") do
		if not san or path:find "declarations" then
			it("refuses " .. path:match "[^/]*$", function()
				check(conf.negatives(path))
			end)
		end
	end
end)
