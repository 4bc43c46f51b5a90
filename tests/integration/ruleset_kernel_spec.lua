-- SPDX-License-Identifier: GPL-2.0-or-later
-- The same random transactions with the real kernel, whose rules and elements are read back after each. RNM_STEPS: how many.
local watcher = require "watcher"
local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"
local steps = tonumber(os.getenv "RNM_STEPS") or (sanitized and 120 or 400)
local seed = tonumber(os.getenv "RNM_SEED") or 1

-- rough: others change own tables in between, or may not because they have an owner; sets that packs attach to come and go;
-- and the daemon begins anew over what the kernel has.
local function transactions(rough)
	local ok, why = watcher.namespace()
	if not ok then
		return pending(why)
	end
	local out = watcher.run(([[
		for i = 0, 8, 2 do
			sh(("ip link add d%%d type veth peer name d%%d"):format(i, i + 1))
		end
		sh "ip link add da type veth peer name db"
		local each, sum = 60, { sent = 0, meddled = 0, lives = 0, held = 0, forbidden = 0, switched = 0, attached = 0 }
		for i = 0, math.ceil(%d / each) - 1 do
			local r = assert(require "rnm.core".nft.ruleset.random {
				seed = %d + i, steps = each, kernel = true, rough = %s })
			for k, v in pairs(sum) do sum[k] = v + r[k] end
		end
		print(sum.sent > 0 and sum.switched > 0 and "sent", sum.meddled > 0 and sum.lives > 0 and sum.forbidden > 0 and sum.attached > 0)
		local p = io.popen "unset LD_PRELOAD; nft list ruleset"
		print("left: " .. p:read "a")
	]]):format(steps, seed, rough))
	assert.same({ ("sent\t%s"):format(rough), "left: " }, out)
end

describe("random transactions", function()
	it("leave in the real kernel what follows from what is said", function()
		transactions(false)
	end)
	it("do so over foreign changes and new beginnings, and keep what can stay", function()
		transactions(true)
	end)
end)
