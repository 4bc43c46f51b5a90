-- SPDX-License-Identifier: GPL-2.0-or-later
-- Random policies over a random history of the network: whatever was merged, missed, failed or reloaded on the way, it ends
-- as a fresh start over the same network would make it, and a reload finds nothing to send. RNM_SEEDS: how many, RNM_SEED:
-- where to begin.
local randnet = require "randnet"
local randpack = require "randpack"
local simulate = require "rnm.testing".simulate
local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"
local seeds = tonumber(os.getenv "RNM_SEEDS") or (sanitized and 6 or 25)
local first = tonumber(os.getenv "RNM_SEED") or 1

local function begin(packs, before)
  return simulate { packs = packs, zones = { ["wan*"] = "wan", ["lan*"] = "lan" }, before = before }
end

local function calm(sim, seed)
  sim:emit "calm"
  sim:advance(130)
  for name, pack in pairs(sim:packs()) do
    assert.equal("running", pack.state, ("seed %d: %s: %s"):format(seed, name, tostring(pack.last_error)))
  end
end

describe("the ruleset of random policies", function ()
  it("is what a fresh start makes of the network", function ()
    for seed = first, first + seeds - 1 do
      local net, packs = randnet.new(seed), randpack.packs(seed)
      local sim = begin(packs)
      for i = 1, 60 do
        net:change(sim)
        if i % 25 == 0 then sim:reload() end             -- may be refused: packs are flaky
        if net.random(10) == 1 then sim:advance(net.random(5)) end
      end
      calm(sim, seed)
      local fresh = begin(packs, net:feed())
      calm(fresh, seed)
      local sent = #sim.batches
      assert.equal(randpack.plain(fresh:ruleset()), randpack.plain(sim:ruleset()), "seed " .. seed)
      assert(sim:reload())
      assert.equal(sent, #sim.batches, ("seed %d sends after a reload: %s"):format(seed, (sim.batches[sent + 1] or {}).text))
      assert.equal("", sim:plan())
      sim:close()
      fresh:close()
    end
  end)
end)
