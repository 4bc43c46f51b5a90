-- SPDX-License-Identifier: GPL-2.0-or-later
-- The files of a simulation: packs, templates, configuration.
local files = require "rnm.core".sim
local tools = require "rnm.testing.tools"

local M = {}

-- policies/ beside lua/, wherever this file is: a build tree or an installed rnm.
local here = debug.getinfo(1, "S").source:match "^@(.*)/lua/rnm/testing/[^/]*$" or "."

M.shipped = files.kind(here .. "/policies") and here .. "/policies" or nil

local UP = 5 -- folders above the spec's that are looked into

-- A pack by its path, file name or name: beside the spec, in policies or policies.d there, the same in the folders
-- above, and the packs that come with rnm.
local function find_pack(pack, opts, dir)
  local places, tried = {}, {}
  if pack:sub(1, 1) == "/" then
    places[1] = ""
  else
    if opts.dir then places[#places + 1] = opts.dir .. "/" end
    local up = dir
    for _ = 0, UP do
      for _, sub in ipairs { "/", "/policies/", "/policies.d/" } do places[#places + 1] = up .. sub end
      up = up .. "/.."
    end
    for _, place in ipairs { "", "policies/", here .. "/policies/" } do places[#places + 1] = place end
  end
  for _, place in ipairs(places) do
    for _, name in ipairs { pack, pack .. ".lua" } do
      local kind = files.kind(place .. name)
      if kind == "file" or (kind == "folder" and files.kind(place .. name .. "/init.lua") == "file") then return place .. name end
    end
    tried[#tried + 1] = place == "" and "." or place
  end
  tools.fail("there is no pack %s; looked for it in %s", pack, table.concat(tried, ", "))
end

local function pack_name(file) return (file:match "([^/]*)/*$":gsub("%.lua$", ""):gsub("^%d+%-", "")) end

local function install_packs(self, opts)
  files.remove(self.policies)
  assert(files.mkdir(self.policies))
  for key, value in tools.sorted(opts.packs) do
    local to = self.policies .. "/" .. key
    if type(key) == "string" and type(value) == "table" then      -- a folder: { ["init.lua"] = text, … }
      for name, text in pairs(value) do
        assert(files.mkdir((to .. "/" .. name):match "^(.*)/"))
        tools.write(to .. "/" .. name, text)
      end
    elseif type(key) == "string" then
      tools.write(to .. ".lua", value)
    else
      local path = find_pack(value, opts, self.spec_dir)
      assert(files.copy(path, self.policies .. "/" .. path:match "([^/]*)/*$"))
    end
  end
end

-- opts.templates: a folder beside the spec, or { ["NAME.nft"] = text }; they lie beside the configuration.
local function install_templates(self, opts)
  local to = self.tmp .. "/templates"
  files.remove(to)
  if type(opts.templates) == "string" then
    local from = opts.templates
    if from:sub(1, 1) ~= "/" then from = self.spec_dir .. "/" .. from end
    assert(files.copy(from, to))
  elseif opts.templates then
    assert(files.mkdir(to))
    for name, text in pairs(opts.templates) do tools.write(to .. "/" .. name, text) end
  end
end

local function pack_settings(opts)
  local packs = {}
  for key, value in pairs(opts.packs or {}) do
    local name = pack_name(type(key) == "string" and key or value)
    local p = {
      config = opts.config and opts.config[name] or nil,
      files = opts.files and opts.files[name] or nil,
      trusted = opts.trusted and opts.trusted[name] and true or nil,
    }
    if next(p) then packs[name] = p end
  end
  return packs
end

-- config = { PACK = … } of a pack that is not there is a mistake of the spec.
local function check_names(opts)
  local names = {}
  for key, value in pairs(opts.packs or {}) do names[#names + 1] = pack_name(type(key) == "string" and key or value) end
  for _, option in ipairs { "config", "files", "trusted" } do
    for name in pairs(opts[option] or {}) do
      if not tools.contains(names, name) then
        tools.fail("%s: there is no pack '%s'%s", option, tostring(name), tools.near(name, names))
      end
    end
  end
end

local function write_config(self, opts)
  local ifaces, packs = {}, pack_settings(opts)
  for name, link in pairs(opts.links or {}) do
    if type(link) == "table" and link.zone then ifaces[#ifaces + 1] = { name = name, nftables_zone = link.zone } end
  end
  for key, value in pairs(opts.zones or {}) do                    -- link or glob = zone, or zone = links
    for _, name in ipairs(type(value) == "table" and value or { key }) do
      ifaces[#ifaces + 1] = { name = name, nftables_zone = type(value) == "table" and key or value }
    end
  end
  table.sort(ifaces, function (a, b) return a.name < b.name end)
  local out = { "policies: { dirs: [" .. tools.yaml(self.policies) .. "] }" }
  if #ifaces > 0 then out[#out + 1] = "interfaces: " .. tools.yaml(ifaces) end
  if next(packs) then out[#out + 1] = "packs: " .. tools.yaml(packs) end
  if opts.limits then out[#out + 1] = "limits: " .. tools.yaml(opts.limits) end
  if opts.yaml then out[#out + 1] = opts.yaml end
  tools.write(self.path, table.concat(out, "\n") .. "\n")
end

function M.install(self, opts)
  check_names(opts)
  install_packs(self, opts)
  install_templates(self, opts)
  write_config(self, opts)
end

return M
