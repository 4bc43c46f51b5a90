-- SPDX-License-Identifier: GPL-2.0-or-later
-- The pages say what is true: their configuration loads as it stands, their messages are ones that the policy listens to, what
-- they link to is there, and the index has them all.
local simulate = require "rnm.testing".simulate
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

local function read(path)
  local f = io.open(path)
  if not f then return end
  local text = f:read "a"
  f:close()
  return text
end

local function links_of(page, folder)
  for target in page:gmatch "%]%(([^)#]+)%)" do
    if not target:find "^https?:" then
      local path = folder .. "/" .. target
      assert.is_true(os.rename(path, path), "there is no " .. path)
    end
  end
end

local function list(command)
  local names = {}
  local p = io.popen("cd " .. here .. " && " .. command)
  for line in p:lines() do names[#names + 1] = line:match "([%w_]+)[^/]*/?$" end
  p:close()
  return names
end
local cookbook, shipped = list "ls -d */", list "ls ../../policies/*.md"

-- A page's configuration loads, its messages are heard, its links lead somewhere; and the policy runs with its defaults.
local function check(page, folder)
  links_of(page, folder)
  local pack = page:match "\npacks:\n  ([%w_]+):"
  local own = read(folder .. "/" .. pack .. ".lua") and folder .. "/" .. pack .. ".lua"
  local source = own and read(own) or assert(read(here .. "/../../policies/" .. pack .. ".lua"))
  -- Which files a policy may read has no default.
  for _, yaml in ipairs { page:match "```yaml\n(.-)```", not source:find("rnm.file", 1, true) and "" or nil } do
    local sim = simulate { packs = { own or pack .. ".lua" }, yaml = yaml }
    assert.equal("running", sim:packs()[pack].state, sim:packs()[pack].last_error)
    sim:close()
  end
  for topic in page:gmatch "rnm emit (%w+)" do
    assert.is_truthy(source:find('topic = "' .. topic .. '"', 1, true), topic)
  end
end

describe("the page of", function ()
  for _, name in ipairs(cookbook) do
    it(name, function ()
      local page = assert(read(here .. "/" .. name .. "/README.md"))
      assert.matches("^# [^\n]+\n\n| changes | follows | must hold |\n", page)
      check(page, here .. "/" .. name)
    end)
  end
  for _, name in ipairs(shipped) do
    it("the shipped " .. name, function () check(read(here .. "/../../policies/" .. name .. ".md"), here .. "/../../policies") end)
  end
end)

describe("the index", function ()
  it("has every example", function ()
    local index = read(here .. "/../README.md")
    links_of(index, here .. "/..")
    for _, name in ipairs(cookbook) do
      local _, n = index:gsub("%(cookbook/" .. name .. "/%)", "")
      assert.equal(1, n, name)
    end
  end)
end)
