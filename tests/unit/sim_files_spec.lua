-- SPDX-License-Identifier: GPL-2.0-or-later
-- List files that change in any way: each line once, in the file's order, and only what differs is sent.
local simulate = require "rnm.testing".simulate

local seed
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return (seed >> 8) % n + 1
end

local function write(path, text)
  local f = assert(io.open(path, "w"))
  f:write(text)
  f:close()
end

-- The distinct lines of what is written: { order }, { line = true }
local function distinct(lines)
  local order, seen = {}, {}
  for _, l in ipairs(lines) do
    if not seen[l] then order[#order + 1] = l end
    seen[l] = true
  end
  return order, seen
end

local function noise(line)
  local k = random(8)
  return k == 1 and "  " .. line or k == 2 and line .. "\t\r" or k == 3 and line .. " # " .. line or k == 4 and "\n# " .. line .. "\n" .. line or line
end

local edits = {
  function(t) if #t > 0 then table.remove(t, random(#t)) end end,
  function(t) table.insert(t, random(#t + 1), "10.0.0." .. random(40)) end,
  function(t) if #t > 0 then t[random(#t)] = "10.0.0." .. random(40) end end,
  function(t) if #t > 1 then table.insert(t, random(#t), table.remove(t, random(#t))) end end,
  function(t) for _ = 1, random(30) do table.remove(t, 1) end end,
  function(t) for _ = 1, random(30) do t[#t + 1] = "10.0.1." .. random(60) end end,
  function(t) for i = #t, 2, -1 do local j = random(i) t[i], t[j] = t[j], t[i] end end,
  function() end,
}

describe("a list file", function ()
  it("changes in any way", function ()
    local dir = io.popen "mktemp -d":read "l"
    local path, lines, before = dir .. "/list", {}, {}
    seed = 4711
    write(path, "")
    local sim = simulate { packs = { p = { ["init.lua"] = ([[
      f = rnm.file("%s")
      nft.table("inet", "t"):set("s", { type = "ipv4_addr", elements = f })
    ]]):format(path) } }, files = { p = { path } } }
    for round = 1, 300 do
      for _ = 1, random(4) do edits[random(#edits)](lines) end
      local out = {}
      for i, l in ipairs(lines) do out[i] = noise(l) end
      write(path, table.concat(out, "\n") .. (random(2) == 1 and "\n" or ""))
      local batches = #sim.batches
      sim:file_changed(path)
      local order, now = distinct(lines)
      local read = sim:eval("local t = {} for i, l in ipairs(f) do t[i] = l end return #f .. ' ' .. table.concat(t, ',')", "p"):gsub("\n$", "")
      assert.same(#order .. " " .. table.concat(order, ","), read, "round " .. round)
      local set = sim:set "inet t s"
      table.sort(set)
      table.sort(order)
      assert.same(order, set, "round " .. round)
      local came, went = 0, 0
      for l in pairs(now) do came = came + (before[l] and 0 or 1) end
      for l in pairs(before) do went = went + (now[l] and 0 or 1) end
      local text = #sim.batches > batches and sim.batches[#sim.batches].text or ""
      local function count(sign)
        local n = 0
        for l in text:gmatch "[^\n]+" do
          if l:sub(1, 1) == sign then
            for _ in l:match "{(.*)}":gmatch "[^,]+" do n = n + 1 end
          end
        end
        return n
      end
      assert.same({ came, went }, { count "+", count "-" }, "round " .. round .. ": " .. text)
      before = now
    end
    sim:close()
    os.execute("rm -r " .. dir)
  end)
end)
