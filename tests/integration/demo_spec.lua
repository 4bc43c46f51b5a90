-- SPDX-License-Identifier: GPL-2.0-or-later
local sh = require "sh"

describe("the demo", function()
	it("shows each batch and ends well", function()
		local out, code = sh.try "examples/demo/run.sh"
		assert.equal(0, code, out)
		assert.matches("%+ add element inet rnm wan4 { 203.0.113.7 }", out)
		assert.matches("%- delete element inet rnm wan4 { 203.0.113.7 }", out)
		assert.matches("table inet rnm {", out)
	end)
end)
