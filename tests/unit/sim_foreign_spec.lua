-- SPDX-License-Identifier: GPL-2.0-or-later
-- Others at work in the tables of random policies: whatever they take away or put in between, the kernel has again what it
-- had. RNM_SEEDS: how many policies, RNM_SEED: where to begin.
local randnet = require "randnet"
local randpack = require "randpack"
local simulate = require "rnm.testing".simulate

local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"
local seeds = tonumber(os.getenv "RNM_SEEDS") or (sanitized and 3 or 12)
local first = tonumber(os.getenv "RNM_SEED") or 1

local REST = 130 -- seconds after which a fight is over, and what failed runs again

-- Tables and what is in them in one order; a rule's place is no part of it, where several packs say the same.
local function plain(text)
  local tables = {}
  text = text:gsub(" expires %w+", ""):gsub(' comment "[^"]*"', ""):gsub("elements = {(.-)}", function (list)
    local items = {}
    for item in (list:gsub("%s+", " ") .. ","):gmatch "%s*([^,]-)%s*," do items[#items + 1] = item end
    table.sort(items)
    return table.concat(items, ",")
  end)
  for t in text:gmatch "(table .-\n}\n)" do
    local parts = {}
    for part in t:gmatch "\n(\t[^\t\n][^\n]*{\n.-\n\t})" do parts[#parts + 1] = part end
    table.sort(parts)
    tables[#tables + 1] = t:match "^[^\n]*" .. table.concat(parts, "\n")
  end
  table.sort(tables)
  return table.concat(tables, "\n")
end

-- Something that somebody could do to this ruleset.
local function meddling(text, random)
  local all = { "flush ruleset" }
  for name, body in text:gmatch "table ([^\n{]+) {\n(.-)\n}\n" do
    local function may(format, ...) all[#all + 1] = format:format(name, ...) end
    may "delete table %s"
    may "flush table %s"
    may "add chain %s foreign"
    may "add set %s foreign { type ipv4_addr; }"
    for chain in body:gmatch "\tchain (%S+) {" do
      may("flush chain %s %s", chain)
      may("insert rule %s %s meta mark 7", chain)
      may("add rule %s %s meta mark 7", chain)
    end
    for kind, set in body:gmatch "\t([sm][ea][tp]) (%S+) {" do may("flush " .. kind .. " %s %s", set) end
  end
  return all[random(#all)]
end

describe("the ruleset of random policies", function ()
  it("is put right after what others do to it", function ()
    for seed = first, first + seeds - 1 do
      local net = randnet.new(seed)
      local sim <close> = simulate { packs = randpack.packs(seed), zones = { ["wan*"] = "wan", ["lan*"] = "lan" } }
      sim:emit "calm"
      for i = 1, 30 do
        net:change(sim)
        if i % 3 == 0 then
          sim:advance(REST)
          local text = sim:kernel()
          local what = meddling(text, net.random)
          sim:nft(what)
          sim:advance(REST)
          assert.equal(plain(text), plain(sim:kernel()), ("seed %d, %s"):format(seed, what))
          assert.equal("", sim:plan())
        end
      end
    end
  end)
end)
