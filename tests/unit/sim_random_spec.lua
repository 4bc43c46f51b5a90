-- SPDX-License-Identifier: GPL-2.0-or-later
-- Random policies over a random history of the network: whatever was merged, missed, failed or reloaded on the way, it ends
-- as a fresh start over the same network would make it, and a reload and a restart find nothing to send.
-- RNM_SEEDS: how many, RNM_SEED: where to begin.
local randnet = require "randnet"
local randpack = require "randpack"
local simulate = require "rnm.testing".simulate
local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"
local seeds = tonumber(os.getenv "RNM_SEEDS") or (sanitized and 6 or 25)
local first = tonumber(os.getenv "RNM_SEED") or 1

local function begin(packs, before)
  return simulate { packs = packs, limits = { memory = "8M", main_instructions = 1000000 }, zones = { ["wan*"] = "wan", ["lan*"] = "lan" }, before = before }
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
      local function kernel() return (sim:kernel():gsub(" expires %w+", "")) end
      local before = kernel()
      sim:restart()
      assert.equal("", sim.start_batch, ("seed %d sends after a restart"):format(seed))
      assert.equal(before, kernel(), ("seed %d is otherwise after a restart"):format(seed))
      sim:close()
      fresh:close()
    end
  end)

  local breaks = {
    function (text, random) return text:sub(1, random(#text)) end,                       -- half-written
    function (text) return text .. "x = = 1" end,
    function (text) return text .. "error 'main'" end,
    function (text) return text .. "while true do end" end,
    function (text) return text .. "local t = {} for i = 1, 1e9 do t[i] = i end" end,
    function (text) return text .. "require 'not.there'" end,
    function (text) return text .. "rnm.block(function () error 'block' end)" end,
    function (text) return text .. "base:rule 'meta mark 0xdead accept'" end,            -- refused by the kernel
    function (text) return text .. "t:set('firsts', { type = 'ipv6_addr' })" end,
    function (text) return text .. "t:chain('in', { policy = 'drop' }) base:rule('jump in')" end,
  }

  it("is not touched by a reload that fails", function ()
    local refused = 0
    for seed = first, first + seeds - 1 do
      local net, packs = randnet.new(seed), randpack.packs(seed)
      local sim = begin(packs)
      calm(sim, seed)                                    -- what failed at the start has healed
      sim:refuse "57005"
      for _ = 1, 30 do
        net:change(sim)
        if net.random(4) == 1 then
          local names, new = {}, {}
          for name, text in pairs(packs) do names[#names + 1], new[name] = name, text end
          table.sort(names)
          local name = names[net.random(#names)]
          new[name] = breaks[net.random(#breaks)](new[name], net.random)
          local before, sent, states = sim:ruleset(), #sim.batches, sim:packs()
          local ok, err = sim:reload { packs = new }
          if ok then                                     -- half of a file may be a whole one
            assert(sim:reload { packs = packs })
          else
            refused = refused + 1
            assert.matches(name:match "p%d", err)
            assert.equal(sent, #sim.batches)
            for pack, state in pairs(sim:packs()) do assert.equal(states[pack].state, state.state, pack) end
          end
          assert.equal(randpack.plain(before), randpack.plain(sim:ruleset()), "seed " .. seed)
        end
      end
      calm(sim, seed)
      local fresh = begin(packs, net:feed())
      calm(fresh, seed)
      assert.equal(randpack.plain(fresh:ruleset()), randpack.plain(sim:ruleset()), "seed " .. seed)
      sim:close()
      fresh:close()
    end
    assert.is_true(refused > 0)
  end)
end)
