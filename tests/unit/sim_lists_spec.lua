-- SPDX-License-Identifier: GPL-2.0-or-later
-- Long lists in blocks: what differs is sent, what stays keeps its origin and its time, and what a failing run said is
-- taken back.
local simulate = require "rnm.testing".simulate
local sanitized = (os.getenv "RNM_BUILD" or ""):find "san$"

local sim
local function start(source)
  sim = simulate { packs = { p = source } }
  return sim
end
local function eval(code) return (assert(sim:eval(code, "p")):gsub("\n$", "")) end
local function addr(i) return ("10.0.%d.%d"):format(i // 256, i % 256) end
local function literal(list)
  local out = {}
  for i, e in ipairs(list) do out[i] = ("%q"):format(e) end
  return "{" .. table.concat(out, ",") .. "}"
end
local function range(from, to)
  local t = {}
  for i = from, to do t[#t + 1] = addr(i) end
  return t
end
local function set_of(...)
  local t = {}
  for _, list in ipairs { ... } do for _, e in ipairs(list) do t[e] = true end end
  return t
end
local function sorted(set)
  local t = {}
  for e in pairs(set) do t[#t + 1] = e end
  table.sort(t)
  return t
end

-- What the batches sent since `from` say of elements: two sets, and how many more come and go (of many a text names some).
local function sent(from)
  local signs, more = { ["+"] = {}, ["-"] = {} }, { ["+"] = 0, ["-"] = 0 }
  for i = from + 1, #sim.batches do
    for line in sim.batches[i].text:gmatch "[^\n]+" do
      local sign, what = line:match "^([+-]) %l+ element inet t s {(.*)}$"
      assert(sign, line)
      for e in what:gmatch "10%.[%d.]+" do signs[sign][e] = true end
      more[sign] = more[sign] + tonumber(what:match "(%d+) more" or 0)
    end
  end
  return signs, more
end
local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

describe("a long list", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  local pack = [[
    L = {}
    local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
    b = rnm.block(function () s:replace(L) end)
  ]]

  it("costs what differs", function ()
    start(pack)
    eval("L = " .. literal(range(1, 1000)) .. " b:refresh()")
    local n = #sim.batches
    eval("L = " .. literal(range(1, 1000)) .. " b:refresh()")
    assert.equal(n, #sim.batches)
    eval("L = " .. literal(range(4, 1003)) .. " b:refresh()")
    assert.equal(n + 1, #sim.batches)
    assert.same({ ["-"] = set_of(range(1, 3)), ["+"] = set_of(range(1001, 1003)) }, sent(n))
    assert.same(sorted(set_of(range(4, 1003))), sim:set "inet t s")
  end)

  it("leaves the origin of what stays alone", function ()
    start(pack)
    eval("L = " .. literal(range(1, 100)) .. " b:refresh() -- first")
    sim:advance(10)
    eval("L = " .. literal(range(2, 101)) .. " b:refresh() -- second")
    local old, new = sim:why(addr(50)), sim:why(addr(101))
    assert.not_equal(assert(old:match "since [^ ]+ [^ ]+"), assert(new:match "since [^ ]+ [^ ]+"))
    -- and so does a run that fails, of what it had dropped
    local before = { sim:why(addr(50)), sim:why(addr(101)) }
    sim:eval("L = " .. literal(range(300, 400)) .. " b:refresh() error 'no'", "p")
    assert.same(before, { sim:why(addr(50)), sim:why(addr(101)) })
    assert.same(sorted(set_of(range(2, 101))), sim:set "inet t s")
  end)

  it("does not begin the time of what stays anew", function ()
    start [[
      L = {}
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr", flags = "timeout" })
      b = rnm.block(function ()
        local t = {}
        for i, e in ipairs(L) do t[i] = { e, timeout = T or "1h" } end
        s:replace(t)
      end)
    ]]
    eval("L = " .. literal(range(1, 50)) .. " b:refresh()")
    sim:advance(600)
    local n = #sim.batches
    eval("L = " .. literal(range(2, 51)) .. " b:refresh()")
    assert.same({ ["-"] = set_of { addr(1) }, ["+"] = set_of { addr(51) } }, sent(n))
    sim:advance(3001)
    assert.same({ addr(51) .. " timeout 1h" }, sim:set "inet t s")
    n = #sim.batches
    eval("L = " .. literal(range(2, 52)) .. " b:refresh()")        -- the time of the others is over
    assert.same({ ["-"] = {}, ["+"] = set_of { addr(52) } }, sent(n))
    eval("T = '2h' b:refresh()")
    assert.equal(51, #sim:set "inet t s")
  end)

  it("is read from a text with whatever stands in it", function ()
    start [[
      nft.load([=[define more = { 10.0.0.20, 10.0.0.21 }
      table inet t {
        set s { type ipv4_addr; flags timeout, interval; elements = { 10.0.0.1,10.0.0.2 ,
          10.0.0.3, # 10.0.0.99, a comment
          10.0.0.4 timeout 1h, 10.0.0.5 comment "x, 10.0.0.98", 10.0.0.6, $more, 10.0.0.8/31, 10.0.0.10-10.0.0.11,
          $one,, 10.0.0.30, , } }
        set n { type mark; elements = { 1, 2 } }
      }]=], { one = "10.0.0.40" })
    ]]
    assert.same({}, sim:errors())
    assert.same({ "10.0.0.1", "10.0.0.10/31", "10.0.0.2", "10.0.0.20", "10.0.0.21", "10.0.0.3", "10.0.0.30",
      "10.0.0.4 timeout 1h", "10.0.0.40", '10.0.0.5 comment "x, 10.0.0.98"', "10.0.0.6", "10.0.0.8/31" },
      (function () local t = sim:set "inet t s" table.sort(t) return t end)())
    for _, bad in ipairs { "10.0.0.1, 10.0.0.256", "10.0.0.1, 10.0.0.2 10.0.0.3", "10.0.0.1, 10.0.0", "10.0.0.1, ,x", "10.0.0.1, 10.0.0.02" } do
      local ok = sim:eval(("nft.load 'table inet u { set s { type ipv4_addr; elements = { %s } } }'"):format(bad), "p")
      assert.is_nil(ok, bad)
    end
  end)

  it("is what two blocks and their failures make of it", function ()
    start [[
      L, fail = { {}, {} }, {}
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      b = {}
      for i = 1, 2 do
        b[i] = rnm.block(function ()
          if twice then s:replace(twice) end
          s:replace(L[i])
          if less then for _, e in ipairs(less) do s:del(e) end end
          if fail[i] then error "no" end
        end)
      end
      rnm.on("message", { topic = "go" }, function () for i = 1, 2 do b[i]:refresh() end end)
    ]]
    local seed = 11
    local function random(n) seed = (seed * 1103515245 + 12345) % 2147483648 return (seed >> 8) % n + 1 end
    local lists, now = { {}, {} }, {}
    for _ = 1, sanitized and 60 or 300 do
      local fails, code = {}, { "twice, less = nil, nil" }
      for i = 1, 2 do
        local list, at, n = {}, random(60), random(4) == 1 and random(12) - 1 or 40 + random(60)
        for k = 1, n do list[k] = addr(random(20) == 1 and random(150) or at + k) end -- some of them twice
        for k = 1, random(3) == 1 and n or 0 do local j = random(n) list[k], list[j] = list[j], list[k] end
        fails[i] = random(4) == 1
        code[#code + 1] = ("L[%d], fail[%d] = %s, %s"):format(i, i, literal(list), fails[i])
        if not fails[i] then lists[i] = list end
      end
      if random(5) == 1 then code[#code + 1] = "twice = " .. literal(range(100, 100 + random(60))) end
      if not fails[1] and not fails[2] and random(5) == 1 and #lists[1] > 0 and #lists[2] > 0 then
        local gone = lists[1][1]
        code[#code + 1] = ("less = { %q }"):format(gone)
        for i = 1, 2 do
          local rest = {}
          for _, e in ipairs(lists[i]) do if e ~= gone then rest[#rest + 1] = e end end
          lists[i] = rest
        end
      end
      local n, want = #sim.batches, set_of(lists[1], lists[2])
      eval(table.concat(code, "\n"))                              -- what failed may run again now
      sim:emit "go"
      assert.same(sorted(want), sim:set "inet t s")
      local came, went = {}, {}
      for e in pairs(want) do if not now[e] then came[e] = true end end
      for e in pairs(now) do if not want[e] then went[e] = true end end
      local names, more = sent(n)
      for sign, set in pairs { ["+"] = came, ["-"] = went } do
        for e in pairs(names[sign]) do assert.is_true(set[e], e) end
        assert.equal(count(set), count(names[sign]) + more[sign])
      end
      now = want
    end
  end)
end)
