-- SPDX-License-Identifier: GPL-2.0-or-later
-- busted's plain output, and its counts as "PASSED FAILED SKIPPED" in the file $RNM_COUNTS for tests/run.sh.
return function(options)
	local busted = require "busted"
	local handler = require "busted.outputHandlers.plainTerminal"(options)
	local subscribe = handler.subscribe

	function handler:subscribe(...)
		subscribe(self, ...)
		busted.subscribe({ "suite", "end" }, function()
			local f = assert(io.open(os.getenv "RNM_COUNTS", "w"))
			f:write(self.successesCount, " ", self.failuresCount + self.errorsCount, " ", self.pendingsCount, "\n")
			f:close()
			return nil, true
		end)
	end

	return handler
end
