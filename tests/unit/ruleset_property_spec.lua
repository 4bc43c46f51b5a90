-- SPDX-License-Identifier: GPL-2.0-or-later
-- Random transactions on the ruleset against a naive model and a kernel that is simulated strictly. RNM_STEPS: how many
-- (default 3000), RNM_SEED: where to begin.
local ruleset = require "rnm.core".nft.ruleset
local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"
local steps = tonumber(os.getenv "RNM_STEPS") or (sanitized and 600 or 3000)
local seed = tonumber(os.getenv "RNM_SEED") or 1
local each = 150 -- a seed

describe("random transactions", function()
	it("leave in the kernel what follows from what is said", function()
		local sum = {}
		for i = 0, math.ceil(steps / each) - 1 do
			local counts = assert(ruleset.random { seed = seed + i, steps = each })
			for k, v in pairs(counts) do
				sum[k] = (sum[k] or 0) + v
			end
		end
		-- everything happened that is to be held
		for _, what in ipairs { "commits", "sent", "ops", "culprits", "refusals", "reloads", "dry", "rolled", "switched", "retries", "backed" } do
			assert.is_true(sum[what] > 0, what)
		end
	end)

	it("give back all memory", function()
		ruleset.random { seed = 77, steps = 200 }
		assert.is_true(ruleset.random { seed = 77, steps = 200 }.heap < 8192)
	end)
end)
