-- SPDX-License-Identifier: GPL-2.0-or-later
-- Each fuzz target reads its corpus once, under the sanitizers: what a fuzzer found stays mended.
local sh = require "sh"

local build = os.getenv "RNM_BUILD" or "build"

describe("the corpus of", function()
	for path in sh.run "ls tests/fuzz/fuzz_*.c":gmatch "[^\n]+" do
		local name = path:match "fuzz_([%w_]+)%.c$"
		it(name, function()
			if not build:find "san$" then
				pending "runs with the sanitizers"
				return
			end
			local folder = sh.run("ls -d tests/fuzz/corpus/*" .. name):match "[^\n]+"
			local out, code = sh.try(("unset LD_PRELOAD; ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=1 timeout 120 %s/replay/%s %s"):format(build, name, folder))
			assert.equal(0, code, out)
			assert.is_true(tonumber(out:match "%d+%s*$") > 0, out)
		end)
	end
end)
