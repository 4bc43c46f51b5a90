-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy rateban", function ()
  local sim
  before_each(function () sim = simulate { packs = { "rateban.lua" }, config = { rateban = { per_minute = 6, burst = 3, allow = { "192.0.2.0/24", "2001:db8::/32" } } } } end)
  after_each(function () sim:close() end)

  it("excludes friends first, and never touches what is open", function ()
    local rules = sim:ruleset "inet rateban input"
    assert.matches("ip saddr @allow4 accept.*@abuse4 counter drop.*update @rates4 { ip saddr limit rate over 6/minute burst 3 packets } add @abuse4", rules)
    for line in rules:gmatch "[^\n]*saddr[^\n]*" do assert.matches("^%s*ct state new ", line) end
    assert.same({ "192.0.2.0/24" }, sim:set "inet rateban allow4")
    assert.same({ "2001:db8::/32" }, sim:set "inet rateban allow6")
  end)

  it("is left out whole where a friend is no address", function ()
    assert.is_nil((sim:reload { config = { rateban = { allow = { "friend" } } } }))
    assert.same({ "192.0.2.0/24" }, sim:set "inet rateban allow4")
  end)
end)
