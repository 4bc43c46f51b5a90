-- SPDX-License-Identifier: GPL-2.0-or-later
-- The same random transactions with the real kernel, whose rules and elements are read back after each. RNM_STEPS: how many.
local watcher = require "watcher"
local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"
local steps = tonumber(os.getenv "RNM_STEPS") or (sanitized and 120 or 400)
local seed = tonumber(os.getenv "RNM_SEED") or 1

describe("random transactions", function()
	it("leave in the real kernel what follows from what is said", function()
		local ok, why = watcher.namespace()
		if not ok then
			return pending(why)
		end
		local out = watcher.run(([[
			for i = 0, 8, 2 do
				sh(("ip link add d%%d type veth peer name d%%d"):format(i, i + 1))
			end
			sh "ip link add da type veth peer name db"
			local each, sent = 60, 0
			for i = 0, math.ceil(%d / each) - 1 do
				sent = sent + assert(require "rnm.core".nft.ruleset.random { seed = %d + i, steps = each, kernel = true }).sent
			end
			print(sent > 0 and "sent")
			local p = io.popen "unset LD_PRELOAD; nft list ruleset"
			print("left: " .. p:read "a")
		]]):format(steps, seed))
		assert.same({ "sent", "left: " }, out)
	end)
end)
