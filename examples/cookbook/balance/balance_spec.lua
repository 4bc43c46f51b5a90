-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("balance", function ()
  local sim
  local A, B, C = "10.0.0.11", "10.0.0.12", "10.0.0.13"
  before_each(function () sim = simulate { packs = { "balance.lua" }, config = { balance = { backends = { A, B, C }, slots = 12 } } } end)
  after_each(function () sim:close() end)
  local function slots()
    local out = {}
    for _, e in ipairs(sim:set "ip balance slots") do
      local i, b = e:match "^(%d+) : (%S+)$"
      out[tonumber(i)] = b
    end
    return out
  end
  local function share(of)
    local n = 0
    for _, b in pairs(slots()) do n = n + (b == of and 1 or 0) end
    return n
  end

  it("shares evenly", function ()
    assert.same({ 4, 4, 4 }, { share(A), share(B), share(C) })
  end)

  it("moves only the slots of the backend that is gone", function ()
    local before = slots()
    sim:emit("backend", { address = B, state = "down" })
    local after = slots()
    for i, b in pairs(before) do
      if b ~= B then assert.equal(b, after[i]) else assert.not_equal(B, after[i]) end
    end
    assert.same({ 6, 0, 6 }, { share(A), share(B), share(C) })
    assert.same({ B }, sim:set "ip balance dead")
    assert.equal(1, #sim.batches)
    sim:emit("backend", { address = B, state = "up" })
    assert.same(before, slots())
    assert.same({}, sim:set "ip balance dead")
  end)

  it("lets the connections of a draining backend end", function ()
    sim:emit("backend", { address = A, state = "drain" })
    assert.equal(0, share(A))
    assert.same({}, sim:set "ip balance dead")
  end)

  it("has nothing to offer when all are gone, and comes back", function ()
    for _, b in ipairs { A, B, C } do sim:emit("backend", { address = b, state = "down" }) end
    assert.same({}, slots())
    sim:emit("backend", { address = C, state = "up" })
    assert.equal(12, share(C))
    sim:emit("backend", { address = "10.9.9.9", state = "up" })
    sim:emit "backend"
    assert.equal(12, share(C))
    assert.same({}, sim:errors())
  end)
end)
