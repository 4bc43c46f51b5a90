-- SPDX-License-Identifier: GPL-2.0-or-later
-- Golden tests: a file says packs, events and the batches that each event must give.
--
--   comment lines up to the first section
--   == setup
--   return { packs = { "wan.lua" }, links = { … } }         options of rnm.testing.simulate
--   == start
--   + add table …                                           the batch of the start
--   == sim:addr_add("eth0", "203.0.113.7/24")
--   + add element …                                         what this gave; several batches are parted by a line "--"
--   (nothing)                                               no batch
--
-- GOLDEN_UPDATE=1 writes what comes out into the files, for review.
local simulate = require "rnm.testing".simulate

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."

local function files()
  local p = assert(io.popen("ls '" .. here .. "'/*.txt"))
  local list = {}
  for line in p:lines() do list[#list + 1] = line end
  p:close()
  return list
end

local function parse(path)
  local case, section = { head = {}, sections = {} }, nil
  for line in io.lines(path) do
    local title = line:match "^== (.*)$"
    if title then
      section = { title = title, lines = {} }
      case.sections[#case.sections + 1] = section
    elseif section then
      section.lines[#section.lines + 1] = line
    else
      case.head[#case.head + 1] = line
    end
  end
  for _, s in ipairs(case.sections) do
    while s.lines[#s.lines] == "" do s.lines[#s.lines] = nil end
    s.text = table.concat(s.lines, "\n")
  end
  return case
end

local function write(path, case)
  local out = { table.unpack(case.head) }
  for _, s in ipairs(case.sections) do
    out[#out + 1] = "== " .. s.title
    out[#out + 1] = s.text
    out[#out + 1] = ""
  end
  out[#out] = nil
  local f = assert(io.open(path, "w"))
  f:write(table.concat(out, "\n"), "\n")
  f:close()
end

local function shown(batches, from)
  local list = {}
  for i = from, #batches do list[#list + 1] = (batches[i].text:gsub("\n$", "")) end
  return #list > 0 and table.concat(list, "\n--\n") or "(nothing)"
end

-- Everything that the case says, as { title, expected, got }; errors of the log are part of what is got.
local function run(case, path)
  local results = {}
  assert(case.sections[1] and case.sections[1].title == "setup", path .. ": begins with == setup")
  local opts = assert(load(case.sections[1].text, "@" .. path, "t", {}))()
  opts.dir = opts.dir or here .. "/../../policies"
  local sim = simulate(opts)
  local seen, errors = 0, 0
  for i = 2, #case.sections do
    local s, got = case.sections[i]
    if s.title == "start" then
      got = sim.start_batch:gsub("\n$", "")
      if got == "" then got = "(nothing)" end
    else
      assert(load("local sim = ... " .. s.title, "@" .. path .. ": " .. s.title, "t"))(sim)
      got = shown(sim.batches, seen + 1)
      seen = #sim.batches
    end
    local log = sim:errors()
    for j = errors + 1, #log do got = got .. "\n# " .. log[j] end
    errors = #log
    results[#results + 1] = { section = s, title = s.title, expected = s.text, got = got }
  end
  sim:close()
  return results
end

describe("golden", function ()
  local list = files()
  it("cases exist", function () assert.is_true(#list > 0) end)
  for _, path in ipairs(list) do
    it(path:match "([^/]*)%.txt$", function ()
      local case = parse(path)
      local results = run(case, path)
      assert.is_true(#results >= 1)
      if os.getenv "GOLDEN_UPDATE" == "1" then
        for _, r in ipairs(results) do r.section.text = r.got end
        write(path, case)
        return
      end
      for _, r in ipairs(results) do assert.equal(r.title .. "\n" .. r.expected, r.title .. "\n" .. r.got) end
    end)
  end
end)
