-- SPDX-License-Identifier: GPL-2.0-or-later
-- Packs that mean harm through what rnm itself gives them: memory at its end in every call, floods, handles of strangers.
local simulate = require "rnm.testing".simulate

local sim

-- KiB of this process. The sanitizer keeps what is freed for a while: its own bounds hold there, not these.
local sanitized = (os.getenv "LD_PRELOAD" or ""):find "asan" ~= nil
local function rss()
  if sanitized then return 0 end
  for line in io.lines "/proc/self/status" do
    local k = line:match "^VmRSS:%s+(%d+)"
    if k then return tonumber(k) end
  end
end

local CALLS = {
  "t:chain('c' .. i):rule('ip saddr $a accept', { a = '10.0.0.1' })", "t:set('s' .. i, { type = 'ipv4_addr', elements = { '10.0.0.1' } })", "s:add('10.0.0.' .. i % 250)",
  "s:replace { '10.0.0.1', '10.0.0.2' }", "s:add('bogus')", "s:add(('x'):rep(200))", "net.addrs { iface = 'eth' .. i }", "net.addrs { nofield = i }", "#net.addrs {}",
  "net.addrs {}:first()", "net.addrs {}:map('address')", "net.addrs {}:map(function (a) return { a.address, i } end)[1]", "!rnm.state['k' .. i % 50] = { i, { i } }",
  "!rnm.state.x = setmetatable({}, { __index = i })", "rnm.emit('t', { a = 'b', i = i })", "rnm.after(1000, function () return i end)", "rnm.after('bogus', function () end)",
  "nft.prefix('10.0.0.0/8')", "nft.range(1, i)", "nft.prefix('b' .. i)", "tostring(nft.prefix('10.0.0.0/8'))", "tostring(net.addrs { iface = 'e' .. i })", "tostring(t)",
  "rnm.config { a = i, b = { c = 'x' } }", "rnm.log.debug(i)", "m:add('eth' .. i, 'accept')", "m:replace { eth0 = 'accept', eth1 = 'bogus' }", "t:chain('in', { hook = 'x' .. i })",
  "c:rule('ip saddr ' .. i .. ' accept')", "c:rule('ip saddr $x accept', { y = i })", "c:rules('accept\\ndrop\\nbogus' .. i)", "rnm.on('x' .. i, print)", "net.host('10.0.0.0/8', 'x')",
  "net.subnet('2001:db8::/32', 64, i)", "s.nothing", "net.nothing", "!rnm.pack.x = 1", "require('x' .. i)", "rnm.file('/x' .. i)", "nft.name('a b ' .. i)",
  "nft.load('table ip x { chain c { accept; }; set s { type ipv4_addr; elements = { $a, 10.1.0.0 }; }; }', { a = { '10.0.0.1', '10.0.0.' .. i % 250 } })",
  "nft.load('table ip x { chain c { acept; tcp dport $x; }; }', { x = true })", "nft.load('table ip x { chain c { ip daddr $lan.ipv4 accept; }; }')",
  "nft.load('table ip x { chain c { ip saddr $a accept; }; }', { a = net.addrs {} })", "nft.template('x' .. i)", "t:counter('k' .. i % 20, { packets = 1, comment = 'x' })",
  "t:quota('q', 'over 5 mbytes')", "t:limit('l', { rate = 'x' .. i })", "t:ct_timeout('ct1', { protocol = 'tcp', policy = { established = 5 } })",
  "t:flowtable('f', { hook = 'ingress', priority = 0, devices = { 'e' } })", "t:counter('k'):read()", "tostring(t:quota('q'))",
  "c:rule('counter name $k', { k = t:counter('k') })",
}

local function bodies()
  local out = {}
  for i, call in ipairs(CALLS) do
    local statement = call:match "^!(.*)"
    out[i] = "function (i) " .. (statement or "return " .. call) .. " end"
  end
  return table.concat(out, ", ")
end

-- Each call again and again while the memory runs out around it.
local function pack(limit)
  return ([[
    t = nft.table("inet", "t") c = t:chain("c") s = t:set("s", { type = "ipv4_addr" }) m = t:map("m", { type = "ifname : verdict" })
    print = print or function () end
    local calls = { %s }
    local function squeeze(call, i)
      local keep, size = {}, 65536
      while size >= 16 do                                    -- fill up to the last bytes
        local ok, piece = pcall(string.rep, "x", size)
        if ok then keep[#keep + 1] = piece else size = size // 2 end
        if #keep > 400 then break end
      end
      pcall(call, i)
      return #keep
    end
    rnm.block(function ()
      local n = net.link("eth0").mtu
      for i, call in ipairs(calls) do for j = 1, %d do pcall(call, i * 100 + j) end squeeze(call, i + n) end
    end)
  ]]):format(bodies(), limit)
end

describe("a hostile pack", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("compiles, as a test of the test", function () assert(load(pack(1))) end)

  it("at the end of its memory in every call leaves rnm whole", function ()
    sim = simulate { packs = { bad = pack(3), good = [[ nft.table("inet", "u"):set("s", { type = "ipv4_addr", elements = net.addrs {} }) ]] },
      links = { eth0 = {} }, limits = { memory = 1 << 20 } }
    local before
    for i = 1, 60 do
      sim:link_set("eth0", { mtu = 1000 + i })
      if i == 20 then before = rss() end
    end
    assert.is_true(rss() - before < 4096, "grew by " .. rss() - before .. " KiB")
    sim:addr_add("eth0", "10.0.0.7/8")
    assert.same({ "10.0.0.7" }, sim:set "inet u s")
    assert.equal("running", sim:packs().good.state)
  end)

  it("can not take other packs' memory by statements", function ()
    sim = simulate { packs = { p = [[
      local c = nft.table("inet", "t"):chain("c")
      function on_message() for i = 1, 1e7 do rnm.state["x"] = ("y"):rep(1000) .. i end end
      rnm.block(function () for i = 1, 1e6 do c:rule("tcp dport $i accept", { i = i % 65535 }) end end)
    ]] }, limits = { statements = 1000, hook_instructions = 5000000, hook_time = "60s" } }
    assert.matches("limits%.statements", sim:packs().p.last_error)
    sim:emit "x"
    assert.matches("8388608 bytes are changed in one transaction", sim:packs().p.last_error)
    for _ = 1, 4 do sim:emit "x" end
    local before = rss()
    for _ = 1, 10 do sim:emit "x" end
    assert.is_true(rss() - before < 8192, "grew by " .. rss() - before .. " KiB")
  end)

  it("finds no way to a handle's inside", function ()
    sim = simulate { packs = { p = [[
      t = nft.table("inet", "t")
      s = t:set("s", { type = "ipv4_addr" })
      f = rnm.block(function () end)
    ]] }, links = { eth0 = {} } }
    for _, code in ipairs {
      "getmetatable(t).x.y = 1", "setmetatable(t, {})", "s.add(t, '10.0.0.1')", "s.add({}, '10.0.0.1')", "s.add(net.addrs {}, 'x')", "f.refresh(s)", "f.cancel('x')",
      "net.addrs {}.first(s)", "t.x = 1", "net.addrs {}[1].x.y = 1", "rnm.state.__gc()", "setmetatable({}, { __gc = function () end })", "rnm.x = 1", "nft.tables = 5",
      "string.dump(function () end)", "io.open('/etc/passwd')", "os.execute('true')", "debug.getregistry()", "load('\\27Lua')()",
    } do
      local ok, err = sim:eval(code, "p")
      assert.is_nil(ok, code)
      assert.is_string(err)
    end
    assert.equal("false", (sim:eval("getmetatable(s)", "p"):gsub("\n", "")))
    assert.equal("false", (sim:eval("getmetatable(net.links {}:first())", "p"):gsub("\n", "")))
    assert.equal("running", sim:packs().p.state)
  end)

  it("floods nobody's log or queue", function ()
    sim = simulate { packs = { p = [[
      function on_message(ev) for i = 1, 1e9 do rnm.log.warn("flood") end end
      function on_addr_change() for i = 1, 1e9 do rnm.emit("again") end end
    ]] }, links = { eth0 = {} }, limits = { hook_time = "60s" } }
    sim:emit "x"
    assert.is_true(#sim:errors() < 10000)
    sim:addr_add("eth0", "10.0.0.1/8")
    assert.matches("limits%.emits", sim:packs().p.last_error)
  end)
end)
