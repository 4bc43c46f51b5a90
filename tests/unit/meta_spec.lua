-- SPDX-License-Identifier: GPL-2.0-or-later
-- What packs can call, what the list of names says, and what the editor's files tell are the same.
local core = require "rnm.core"
local simulate = require "rnm.testing".simulate

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."

-- "local set = {}" stands for the methods of sets, "nft = {}" for a global table.
local function meta_names(file)
  local names, hooks = {}, {}
  for line in io.lines(here .. "/../../lua/rnm/meta/" .. file .. ".lua") do
    local name = line:match "^function ([%w_.:]+)%(" or line:match "^(rnm%.%w+) = {}"
    if name and name:find "^on_" then
      hooks[name] = true
    elseif name then
      names[name] = true
    end
  end
  return names, hooks
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

describe("the names of the API", function ()
  local listed = set_of(core.sim.api_names())

  it("are in the editor's files, and nothing else is", function ()
    local told = {}
    for _, file in ipairs { "nft", "net", "rnm" } do
      for name in pairs(meta_names(file)) do told[name] = true end
    end
    assert.same(listed, told)
  end)

  it("are what packs can call, and nothing else is", function ()
    local sim = simulate { packs = { p = "x = 1" }, links = { eth0 = {} } }
    local found = {}
    local globals = assert(sim:eval([[
      local out = {}
      for _, name in ipairs { "net", "nft", "rnm" } do
        for key, value in pairs(_G[name]) do
          out[#out + 1] = name .. "." .. key
          if type(value) == "table" and key == "log" then for k in pairs(value) do out[#out + 1] = name .. "." .. key .. "." .. k end end
        end
      end
      return table.concat(out, "\n")
    ]], "p"))
    for name in globals:gmatch "%S+" do found[name] = true end
    -- Methods are found by asking for each that is listed, and for some that are not.
    local objects = {
      table = 'nft.table("inet", "t")', chain = 'nft.table("inet", "t"):chain("c")', set = 'nft.table("inet", "t"):set("s")',
      map = 'nft.table("inet", "t"):map("m")', counter = 'nft.table("inet", "t"):counter("c")', quota = 'nft.table("inet", "t"):quota("q")',
      query = "net.links {}", block = "rnm.block(function () end)", handle = "rnm.after(1, function () end)",
    }
    local methods = {}
    for name in pairs(listed) do methods[name:match ":(.*)$" or false] = true end
    methods[false] = nil
    for kind, code in pairs(objects) do
      for method in pairs(methods) do
        local out = sim:eval(("type((%s).%s)"):format(code, method), "p")
        if out == "function\n" then found[kind .. ":" .. method] = true end
      end
    end
    sim:close()
    assert.same(listed, found)
  end)

  -- Fields that the editor's files give a class, with those it inherits.
  local function class_fields(file, class)
    local fields, here_now = {}, false
    for line in io.lines(here .. "/../../lua/rnm/meta/" .. file .. ".lua") do
      local name = line:match "^%-%-%-@class ([%w_.]+)"
      local field = line:match '^%-%-%-@field %["(%w+)"%]' or line:match "^%-%-%-@field ([%w_]+)"
      if name then here_now = name == class end
      if here_now and field then fields[#fields + 1] = field end
      if not line:find "^%-%-%-" then here_now = false end
    end
    assert(#fields > 0, class)
    return fields
  end

  it("of specs and options are those that calls take", function ()
    local sim = simulate { packs = { p = 't = nft.table("inet", "t") s = t:set("s", { type = "ipv4_addr" })' } }
    for class, call in pairs {
      ["nft.table_spec"] = 'nft.table("inet", "x", %s)', ["nft.chain_spec"] = 't:chain("x", %s)', ["nft.set_spec"] = 't:set("x", %s)',
      ["nft.flowtable_spec"] = 't:flowtable("x", %s)', ["nft.counter_spec"] = 't:counter("x", %s)', ["nft.quota_spec"] = 't:quota("x", %s)',
      ["nft.limit_spec"] = 't:limit("x", %s)', ["nft.ct_helper_spec"] = 't:ct_helper("x", %s)', ["nft.ct_timeout_spec"] = 't:ct_timeout("x", %s)',
      ["nft.ct_expectation_spec"] = 't:ct_expectation("x", %s)', ["nft.synproxy_spec"] = 't:synproxy("x", %s)',
      ["nft.secmark_spec"] = 't:secmark("x", %s)', ["nft.element_options"] = 's:add("10.0.0.1", %s)',
      ["nft.attach_options"] = 'nft.attach("inet", "fw", "x", %s)',
    } do
      for _, field in ipairs(class_fields("nft", class)) do
        local _, err = sim:eval("return " .. call:format(('{ ["%s"] = function () end }'):format(field)), "p")
        assert.not_matches("unknown field", err or "", 1, true)
      end
      local _, err = sim:eval("return " .. call:format "{ no_such_field = 1 }", "p")
      assert.matches('unknown field "no_such_field"', err, 1, true)
    end
    sim:close()
  end)

  it("of records are those that queries know, and that events have", function ()
    local sim = simulate {
      packs = { p = "" }, links = { br0 = { kind = "bridge" }, eth0 = { zone = "wan", mac = "02:00:00:00:00:01", master = "br0" } },
      addrs = { eth0 = { "192.0.2.1/24" } }, rules = { { src = "10.0.0.0/8", dst = "10.0.0.0/8", iif = "eth0", oif = "eth0", fwmark = 1, table = 7 } },
      routes = { { dst = "default", via = "192.0.2.254", dev = "eth0" }, { dst = "10.0.0.0/8", nexthops = { { dev = "eth0" }, { dev = "br0" } } } },
      neighs = { { iface = "eth0", address = "192.0.2.9", mac = "02:00:00:00:00:09" } },
    }
    sim:addr_set("eth0", "192.0.2.1", { peer = "192.0.2.2" })
    for kind, queries in pairs { link = "links", addr = "addrs", route = "routes", rule = "rules", neigh = "neighs" } do
      local fields, seen = class_fields("net", "net." .. kind), {}
      local out = assert(sim:eval(("local o = {} for _, r in ipairs(net.%s {}) do for k in pairs(r) do o[#o + 1] = k end end return table.concat(o, ' ')"):format(queries)))
      for name in out:gmatch "%S+" do seen[name] = true end
      assert.same(set_of(fields), seen)
      for _, field in ipairs(fields) do
        local _, err = sim:eval(("return net.%s { %s = 'x' }"):format(queries, field))
        assert.not_matches("no field", err or "", 1, true)
      end
    end
    sim:close()
  end)

  it("of rnm.testing are in a file of their own, and nothing else is", function ()
    local told, found = {}, {}
    for name in pairs((meta_names "testing")) do told[name] = true end
    for name in pairs(require "rnm.testing") do
      if name ~= "Simulation" then found["testing." .. name] = true end
    end
    for name, value in pairs(require "rnm.testing".Simulation) do
      if type(value) == "function" and not name:find "^_" then found["simulation:" .. name] = true end
    end
    assert.same(found, told)
  end)

  it("of the hooks are those of the events", function ()
    local _, hooks = meta_names "events"
    local names = {}
    for name in pairs(hooks) do names[#names + 1] = "function " .. name .. "() end" end
    local sim = simulate { packs = { p = table.concat(names, "\n") } }
    local got = {}
    for name in sim:packs().p.hook_names:gmatch "[%w_]+" do got[name] = true end
    sim:close()
    assert.same(hooks, got)
    assert.equal(12, #names)
  end)

  it("have a page of help each", function ()
    local sim <close> = simulate { packs = { p = "" } }
    local _, hooks = meta_names "events"
    local function help(topic) return sim:eval(("help %q"):format(topic)) end
    local topics = { "help" }
    for name in pairs(listed) do topics[#topics + 1] = name end
    for name in pairs(hooks) do topics[#topics + 1] = name end
    for _, file in ipairs { "nft", "net", "rnm", "events" } do
      for line in io.lines(here .. "/../../lua/rnm/meta/" .. file .. ".lua") do
        topics[#topics + 1] = line:match "^%-%-%-@class ([%w_.]+)" or line:match "^%-%-%-@alias ([%w_.]+)"
      end
    end
    assert.is_true(#topics > 120)
    for _, topic in ipairs(topics) do
      local page, err = help(topic)
      assert.is_string(page, topic .. ": " .. tostring(err))
      assert.equal(topic, page:match "^[%w_.:]+", topic)
      assert.not_matches("%-%-%-", page)
    end
    assert.matches("^nft.table%(family, name, spec%)\n  States a table of this pack.+\n  param family nft.family\n.+\n    flags%? .+\n  returns nft.table_handle\n$", help "nft.table")
    assert.matches("\n    action action\n.+", help "on_addr_change")
    assert.matches("\n    prefixlen integer\n", help "on_addr_change")
    assert.matches("\n    name string\n.+\n    carrier boolean", help "net.link" and help "event.link" and sim:eval "help 'net.link'" and help "net.link")
    assert.matches("\n  set:add%(e, options%)\n", help "set")
    assert.matches("\n  nft.table%(", help "nft")
    for topic, near in pairs { ["nft.tabel"] = "did you mean nft.table", add = "did you mean set:add, map:add", ["t:counter"] = "did you mean table:counter",
      addr_change = "did you mean on_addr_change", ["\27[2J"] = 'topic "\\x1b[2J"; help() lists them' } do
      assert.matches(near, select(2, help(topic)), 1, true)
    end
    local overview = assert(sim:eval "help()")
    for name in pairs(listed) do assert.matches(" " .. name, overview, 1, true) end
    for name in pairs(hooks) do assert.matches(" " .. name, overview, 1, true) end
  end)
end)
