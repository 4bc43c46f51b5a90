-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm.testing: the real mirror, runtime, compiler and plan over a simulated network, without root.
--
--   local sim = require "rnm.testing".simulate { links = { eth0 = { zone = "wan" } }, packs = { "wan.lua" } }
--   sim:addr_add("eth0", "203.0.113.7/24")
--   assert.same({ "203.0.113.7" }, sim:set("inet rnm wan4"))

local core = require "rnm.core"

local M = {}
local Sim = {}
Sim.__index = Sim

-- JSON is YAML as well, and quotes everything that needs it.
local function quote(s)
  return '"' .. s:gsub('[%c"\\\127]', function (c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function yaml(v)
  if type(v) == "string" then return quote(v) end
  if type(v) ~= "table" then return tostring(v) end
  local out = {}
  if #v > 0 or next(v) == nil then
    for i, item in ipairs(v) do out[i] = yaml(item) end
    return "[" .. table.concat(out, ", ") .. "]"
  end
  local keys = {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys)
  for i, k in ipairs(keys) do out[i] = quote(k) .. ": " .. yaml(v[k]) end
  return "{" .. table.concat(out, ", ") .. "}"
end

local function run(command)
  local p = assert(io.popen(command, "r"))
  local out = p:read "a"
  local ok = p:close()
  return ok and out:gsub("%s+$", "") or error("failed: " .. command, 3)
end

local function shell(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

local function write(path, text)
  local f = assert(io.open(path, "w"))
  f:write(text)
  f:close()
end

local function exists(path)
  local f = io.open(path, "r")
  if f then f:close() end
  return f ~= nil
end

-- The folder of the spec that called.
local function caller_dir()
  for level = 2, 20 do
    local info = debug.getinfo(level, "S")
    if not info then break end
    local path = info.source:match "^@(.*)$"
    if path and not path:find("rnm/testing.lua", 1, true) then return path:match "^(.*)/[^/]*$" or "." end
  end
  return "."
end

local function find_pack(path, opts, dir)
  local places = { opts.dir and opts.dir .. "/" or false, "", dir .. "/", dir .. "/../policies/", dir .. "/../../policies/", "policies/",
    "/usr/share/rnm/policies/" }
  for _, place in ipairs(places) do
    if place and (path:sub(1, 1) ~= "/" or place == "") and exists(place .. path) then return place .. path end
  end
  error("rnm.testing: no pack " .. path, 4)
end

local function pack_name(file) return (file:match "([^/]*)$":gsub("%.lua$", ""):gsub("^%d+%-", "")) end

local function install_packs(self, opts, dir)
  os.execute("rm -rf " .. shell(self.policies) .. " && mkdir -p -m 755 " .. shell(self.policies))
  for key, value in pairs(opts.packs or {}) do
    if type(key) == "string" and type(value) == "table" then      -- a folder: { ["init.lua"] = text, … }
      os.execute("mkdir -p -m 755 " .. shell(self.policies .. "/" .. key))
      for name, text in pairs(value) do write(self.policies .. "/" .. key .. "/" .. name, text) end
    elseif type(key) == "string" then
      write(self.policies .. "/" .. key .. ".lua", value)
    else
      local path = find_pack(value, opts, dir)
      os.execute("cp -rL " .. shell(path) .. " " .. shell(self.policies) .. "/ && chmod -R go-w " .. shell(self.policies))
    end
  end
end

-- opts.templates: a folder beside the spec, or { ["NAME.nft"] = text }; they lie beside the configuration.
local function install_templates(self, opts, dir)
  local to = self.tmp .. "/templates"
  os.execute("rm -rf " .. shell(to))
  if type(opts.templates) == "string" then
    os.execute("cp -rL " .. shell(dir .. "/" .. opts.templates) .. " " .. shell(to) .. " && chmod -R go-w " .. shell(to))
  elseif opts.templates then
    os.execute("mkdir -m 755 " .. shell(to))
    for name, text in pairs(opts.templates) do write(to .. "/" .. name, text) end
    os.execute("chmod -R go-w " .. shell(to))
  end
end

local function write_config(self, opts)
  local names, packs = {}, {}
  for key, value in pairs(opts.packs or {}) do names[#names + 1] = pack_name(type(key) == "string" and key or value) end
  for _, name in ipairs(names) do
    local p = {}
    p.config = opts.config and opts.config[name] or nil
    p.files = opts.files and opts.files[name] or nil
    if opts.trusted and opts.trusted[name] then p.trusted = true end
    if next(p) then packs[name] = p end
  end
  local ifaces = {}
  for name, link in pairs(opts.links or {}) do
    if link.zone then ifaces[#ifaces + 1] = { name = name, nftables_zone = link.zone } end
  end
  for glob, zone in pairs(opts.zones or {}) do ifaces[#ifaces + 1] = { name = glob, nftables_zone = zone } end
  table.sort(ifaces, function (a, b) return a.name < b.name end)
  local out = { "policies: { dirs: [" .. quote(self.policies) .. "] }" }
  if #ifaces > 0 then out[#out + 1] = "interfaces: " .. yaml(ifaces) end
  if next(packs) then out[#out + 1] = "packs: " .. yaml(packs) end
  if opts.limits then out[#out + 1] = "limits: " .. yaml(opts.limits) end
  if opts.yaml then out[#out + 1] = opts.yaml end
  write(self.path, table.concat(out, "\n") .. "\n")
end

-- Batches that were sent since the last look.
local function collect(self)
  while true do
    local text = self.c:batch(self.seen + 1)
    if not text then return end
    self.seen = self.seen + 1
    self.batches[#self.batches + 1] = { text = text }
  end
end

local function check(self, ok, err)
  collect(self)
  if not ok then error(err, 3) end
  return self
end

-- opts: links { NAME = { zone, up, carrier, mac, kind, mtu, addrs = { … } } }, packs (paths, or NAME = source),
--       config { PACK = … }, files { PACK = { … } }, trusted, limits, zones { GLOB = zone }, dir, state (a folder), yaml (more text),
--       templates (a folder, or NAME = text)
function M.simulate(opts)
  local self = setmetatable({ links = {}, next_ifindex = 1, batches = {}, seen = 0, opts = opts }, Sim)
  self.tmp = run "mktemp -d /tmp/rnm-sim-XXXXXX"
  self.policies = self.tmp .. "/policies.d"
  self.path = self.tmp .. "/rnm.yaml"
  self.spec_dir = caller_dir()
  install_packs(self, opts, self.spec_dir)
  install_templates(self, opts, self.spec_dir)
  write_config(self, opts)
  local c, err = core.sim.new(self.path, nil, opts.state)
  if not c then error(err, 2) end
  self.c = c
  local names = {}
  for name in pairs(opts.links or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    self:link_add(name, opts.links[name])
    for _, a in ipairs(opts.links[name].addrs or {}) do self:addr_add(name, a) end
  end
  if opts.before then opts.before(self) end
  local ok
  ok, err = c:start()
  if not ok then error(err, 2) end
  local text = c:batch(1)
  self.seen = text and 1 or 0
  self.start_batch = text or ""
  return self
end

local function send(self, verb, kind, fields)
  if self.pending then
    self.pending[#self.pending + 1] = { verb, kind, fields }
    return self
  end
  return check(self, self.c:net { { verb, kind, fields } })
end

-- All that fn does to the network arrives as one backlog, in one transaction.
function Sim:backlog(fn)
  self.pending = {}
  fn(self)
  local changes = self.pending
  self.pending = nil
  return check(self, self.c:net(changes))
end

local function index(self, name)
  local link = self.links[name] or error("rnm.testing: no link " .. tostring(name), 3)
  return link.ifindex
end

local function merged(a, b)
  local out = {}
  for k, v in pairs(a or {}) do out[k] = v end
  for k, v in pairs(b or {}) do out[k] = v end
  return out
end

local function link_record(self, link)
  local r = merged(link)
  if type(r.master) == "string" then r.master = index(self, r.master) end
  return r
end

function Sim:link_add(name, fields)
  local link = merged(fields, { name = name, ifindex = fields and fields.ifindex or self.next_ifindex })
  self.next_ifindex = math.max(self.next_ifindex, link.ifindex) + 1
  self.links[name] = link
  return send(self, "set", "link", link_record(self, link))
end

function Sim:link_set(name, fields)
  index(self, name)
  local link = merged(self.links[name], fields)
  if fields.up ~= nil and fields.carrier == nil then link.carrier = fields.up end
  self.links[name] = nil
  self.links[link.name] = link
  return send(self, "set", "link", link_record(self, link))
end

function Sim:link_del(name)
  local record = link_record(self, self.links[name] or error("rnm.testing: no link " .. name, 2))
  self.links[name] = nil
  return send(self, "del", "link", record)
end

function Sim:addr_add(link, address, fields) return send(self, "set", "addr", merged(fields, { ifindex = index(self, link), address = address })) end
function Sim:addr_del(link, address, fields) return send(self, "del", "addr", merged(fields, { ifindex = index(self, link), address = address })) end

local function with_link(self, fields)
  local r = merged(fields)
  if r.link then r.ifindex = index(self, r.link) end
  r.link = nil
  return r
end

function Sim:route_add(fields) return send(self, "set", "route", with_link(self, fields)) end
function Sim:route_del(fields) return send(self, "del", "route", with_link(self, fields)) end
function Sim:rule_add(fields) return send(self, "set", "rule", merged(fields)) end
function Sim:rule_del(fields) return send(self, "del", "rule", merged(fields)) end

function Sim:neigh_add(link, address, fields)
  return send(self, "set", "neigh", merged(fields, { ifindex = index(self, link), address = address }))
end
function Sim:neigh_del(link, address, fields)
  return send(self, "del", "neigh", merged(fields, { ifindex = index(self, link), address = address }))
end

-- A socket overrun: the kernel's dump says that these are the records of the kind. Addresses as { link = …, address = … }.
function Sim:dump(kind, records, reason)
  local list = {}
  for i, r in ipairs(records) do list[i] = with_link(self, r) end
  return check(self, self.c:dump(kind, list, reason))
end

function Sim:emit(topic, data)
  local n, err = self.c:message(topic, data)
  check(self, n, err)
  return n
end

function Sim:advance(seconds) return check(self, self.c:advance(seconds)) end
function Sim:file_changed(path) return check(self, self.c:file_changed(path)) end
function Sim:stop(reason) return check(self, self.c:stop(reason)) end

-- The configuration and packs of opts (those of the start where they say nothing). nil, message when the reload was refused.
function Sim:reload(opts)
  local new = merged(self.opts, opts)
  install_packs(self, new, self.spec_dir)
  install_templates(self, new, self.spec_dir)
  write_config(self, new)
  local ok, err = self.c:reload(self.path)
  collect(self)
  if ok then self.opts = new end
  return ok, err
end

-- The printed values, or nil and a message.
function Sim:eval(code, pack, dry)
  local out, err = self.c:eval(code, pack, dry)
  collect(self)
  return out, err
end

function Sim:set(what) return assert(self.c:set(what)) end
function Sim:ruleset(what) return assert(self.c:ruleset(what)) end
function Sim:plan() return assert(self.c:plan()) end
function Sim:status() return self.c:status() end
function Sim:why(what) return self.c:why(what) end                -- nil, message: nothing of this name
function Sim:json(what, max) return self.c:json(what, max) end
function Sim:status_json() return self.c:status_json() end
function Sim:packs() return self.c:packs() end
function Sim:refuse(text) self.c:refuse(text) end
function Sim:log() return self.c:log() end

-- Log lines of warnings and errors since start.
function Sim:errors()
  local out = {}
  for _, line in ipairs(self.c:log()) do
    if line:find "^error" or line:find "^warn" then out[#out + 1] = line end
  end
  return out
end

function Sim:close()
  self.c:close()
  os.execute("rm -rf " .. shell(self.tmp))
end
Sim.__gc = function (self) if self.tmp then os.execute("rm -rf " .. shell(self.tmp)) end end

return M
