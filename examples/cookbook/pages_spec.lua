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

local names = {}
local p = io.popen("cd " .. here .. " && ls -d */")
for line in p:lines() do names[#names + 1] = line:match "^[^/]+" end
p:close()

describe("the page of", function ()
  for _, name in ipairs(names) do
    it(name, function ()
      local folder = here .. "/" .. name
      local page = assert(read(folder .. "/README.md"))
      assert.matches("^# [^\n]+\n\n| changes | follows | must hold |\n", page)
      links_of(page, folder)
      local pack = page:match "\npacks:\n  ([%w_]+):"
      local own = folder .. "/" .. pack .. ".lua"
      local source = read(own)
      local sim = simulate { packs = { source and own or pack .. ".lua" }, yaml = page:match "```yaml\n(.-)```" }
      assert.equal("running", sim:packs()[pack].state)
      sim:close()
      sim = simulate { packs = { source and own or pack .. ".lua" } }
      -- Which files geo may read can have no default.
      if pack ~= "geo" then assert.equal("running", sim:packs()[pack].state, sim:packs()[pack].last_error) end
      sim:close()
      for topic in page:gmatch "rnm emit (%w+)" do
        assert.is_truthy(source:find('topic = "' .. topic .. '"', 1, true), topic)
      end
    end)
  end
end)

describe("the index", function ()
  it("has every example", function ()
    local index = read(here .. "/../README.md")
    links_of(index, here .. "/..")
    for _, name in ipairs(names) do
      local _, n = index:gsub("%(cookbook/" .. name .. "/%)", "")
      assert.equal(1, n, name)
    end
  end)
end)
