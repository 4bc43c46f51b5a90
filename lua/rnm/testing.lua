-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm.testing: the real mirror, runtime, compiler and plan over a simulated network, without root.
--
--   local sim = require "rnm.testing".simulate { links = { eth0 = { zone = "wan" } }, packs = { "wan.lua" } }
--   sim:addr_add("eth0", "203.0.113.7/24")
--   assert.same({ "203.0.113.7" }, sim:set("inet rnm wan4"))
--
-- lua/rnm/meta/testing.lua tells of each function. Here: the life of a simulation; testing/setup.lua: its files,
-- testing/network.lua: what happens to it, testing/look.lua and testing/snapshot.lua: what it shows.

local core = require "rnm.core"
local setup = require "rnm.testing.setup"
local tools = require "rnm.testing.tools"

local M = {}
local Sim = {}

for _, part in ipairs { "network", "look", "snapshot" } do
  for name, fn in pairs(require("rnm.testing." .. part)) do Sim[name] = fn end
end

local known = {
  "before", "config", "dir", "files", "limits", "links", "addrs", "lists", "neighs", "nft", "packs", "routes", "rules", "state", "templates",
  "time", "trusted", "yaml", "zones",
}

-- The network of the options, before rnm starts.
local function build(self, opts)
  local links = {}
  for key, fields in pairs(opts.links or {}) do
    if type(key) == "number" then links[fields] = {} else links[key] = fields end
  end
  local names, done = {}, {}
  for name in pairs(links) do names[#names + 1] = name end
  table.sort(names)
  local function add(name)
    if done[name] then return end
    done[name] = true
    local master = links[name].master
    if links[master] then add(master) end
    self:link_add(name, links[name])
  end
  for _, name in ipairs(names) do add(name) end
  for _, name in ipairs(names) do
    for _, a in ipairs(links[name].addrs or links[name].addresses or {}) do self:addr_add(name, a) end
  end
  for name, list in tools.sorted(opts.addrs) do
    for _, a in ipairs(type(list) == "table" and list or { list }) do self:addr_add(name, a) end
  end
  for _, r in ipairs(opts.routes or {}) do self:route_add(r) end
  for _, r in ipairs(opts.rules or {}) do self:rule_add(r) end
  for _, n in ipairs(opts.neighs or {}) do self:neigh_add(n) end
end

local function known_options(fn, opts)
  for key in pairs(opts or {}) do
    if not tools.contains(known, key) then tools.fail("%s: there is no option '%s'%s", fn, tostring(key), tools.near(key, known)) end
  end
end

---A network, and rnm started over it.
function M.simulate(opts)
  opts = opts or {}
  if type(opts) ~= "table" then tools.fail("simulate: expected a table of options, got a " .. type(opts)) end
  known_options("simulate", opts)
  local self = setmetatable({
    links = {}, records = { addr = {}, route = {}, rule = {}, neigh = {} }, next_ifindex = 1, batches = {}, seen = 0, opts = opts,
    lines = setmetatable({}, tools.list), faults = setmetatable({}, tools.list),
  }, Sim)
  self.tmp = assert(core.sim.tmpdir())
  self.policies = self.tmp .. "/policies.d"
  self.root = self.tmp .. "/root"
  self.path = self.tmp .. "/rnm.yaml"
  self.state = opts.state or self.tmp .. "/state"
  assert(core.sim.mkdir(self.state))
  self.spec = tools.caller()
  self.spec_dir = self.spec:match "^(.*)/[^/]*$" or "."
  setup.install(self, opts)
  for path, text in tools.sorted(opts.lists) do self:write_file(path, text) end
  local c, err = core.sim.new(self.path, setup.shipped, self.state, self.root)
  if not c then tools.fail(err) end
  self.c = c
  if opts.nft then self:nft(opts.nft) end
  if opts.time then c:clock(tools.time(opts.time)) end
  build(self, opts)
  if opts.before then opts.before(self) end
  local ok
  ok, err = c:start()
  if not ok then tools.fail(err) end
  self.started = true
  local text = c:batch(1)
  self.seen = text and 1 or 0
  self.start_batch = text or ""
  return self
end

-- Batches that were sent since the last look.
function Sim:_collect()
  while true do
    local text, origin, event = self.c:batch(self.seen + 1)
    if not text then return end
    self.seen = self.seen + 1
    self.batches[#self.batches + 1] = { text = text, origin = origin, event = event }
  end
end

function Sim:_check(ok, err)
  self:_collect()
  if not ok then tools.fail(err) end
  return self
end

---A message, as `rnm emit` sends it; returns how many handlers ran.
function Sim:emit(topic, data)
  local n, err = self.c:message(topic, data)
  self:_check(n, err)
  return n
end

---Time passes: timers, expiries and retries that are due in it run, in their order.
function Sim:advance(duration) return self:_check(self.c:advance(duration)) end

---What time it is, in seconds since 1970; with an argument (seconds, or "2026-01-31 08:00") it is that time now.
function Sim:time(at) return self.c:clock(at and tools.time(at)) end

---A list file changed; false: no pack reads it.
function Sim:file_changed(path)
  local heard, err = self.c:file_changed(path)
  if heard == nil then self:_check(nil, err) end
  self:_collect()
  return heard
end

local function file_path(self, path)
  if path:sub(1, 1) == "/" then return self.root .. path, path end
  return self.policies .. "/" .. path, self.policies .. "/" .. path
end

---The content of a list file of the simulated host, or (relative) of a file in a pack's folder. Packs that read it see the change.
function Sim:write_file(path, text)
  local real, name = file_path(self, path)
  assert(core.sim.mkdir(real:match "^(.*)/"))
  os.remove(real)
  tools.write(real, text)
  if self.started then self:file_changed(name) end
  return self
end

---The list file is gone, whatever the host has.
function Sim:remove_file(path)
  local real, name = file_path(self, path)
  core.sim.remove(real)
  assert(core.sim.mkdir(real:match "^(.*)/"))
  assert(core.sim.nowhere(real))
  if self.started then self:file_changed(name) end
  return self
end

---The configuration and packs of opts (those of the start where they say nothing). nil, message when the reload was refused.
function Sim:reload(opts)
  known_options("reload", opts)
  local new = tools.merged(self.opts, opts)
  setup.install(self, new)
  local ok, err = self.c:reload(self.path)
  self:_collect()
  if ok then self.opts = new end
  return ok, err
end

---rnm ends and begins anew, over the same network and the same kernel; rnm.state is kept. opts as for reload(), and
---kill = true: it ends without a word. What the start sends is in sim.start_batch, and among sim.batches.
function Sim:restart(opts)
  opts = tools.merged(opts)
  local kill = opts.kill
  opts.kill = nil
  known_options("restart", opts)
  self.opts = tools.merged(self.opts, opts)
  setup.install(self, self.opts)
  self.started = nil
  local before = self.seen
  self:_check(self.c:restart(self.path, kill))
  self.started = true
  self.start_batch = self.c:batch(before + 1) or ""
  return self
end

---Commands of nft's language, by another process: what `nft TEXT` does to the kernel. Returns what they print ("list ruleset").
function Sim:nft(text, by)
  by = by or {}
  local out, err = self.c:nft(text, by.pid, by.process)
  self:_collect()
  if not out then tools.fail(err) end
  return out
end

---What the kernel has, in nft's syntax: all, or of "FAMILY TABLE".
function Sim:kernel(what)
  return self:nft(what and "list table " .. what or "list ruleset")
end

---Code in the state of the console, or of a pack. The printed values, or nil and a message.
---how: true for a dry run, or { pack, dry_run, read_only, colours, who = number of an operator, note }.
function Sim:eval(code, pack, how)
  if type(pack) == "table" then pack, how = pack.pack, pack end
  local o = type(how) == "table" and how or { dry_run = how }
  local out, err = self.c:eval(code, pack, o)
  self:_collect()
  return out, err
end

---Takes evals back: a number of the operator's last ones (1), "#ID" or "all". What was undone, or nil and a message.
function Sim:undo(what, who)
  local out, err = self.c:undo(tostring(what or 1), who)
  self:_collect()
  return out, err
end

---What could stand at the end of the text at the prompt: a list of words, and the offset that they begin at.
function Sim:complete(text, pack) return self.c:complete(text, pack) end

---{ id, pack, note, who, text } of each eval that can be taken back, the oldest first.
function Sim:evals() return self.c:evals() end

---rnm ends: on_stop runs.
function Sim:stop(reason) return self:_check(self.c:stop(reason)) end

---From now on the kernel refuses what has this text in its line of the plan; nil: nothing any more.
function Sim:refuse(text)
  self.c:refuse(text)
  return self
end

---Ends the simulation and removes its files.
function Sim:close()
  if not self.tmp then return end
  if self.c then self.c:close() end
  core.sim.remove(self.tmp)
  self.tmp = nil
end

local meta = { __gc = Sim.close, __close = Sim.close, __name = "rnm.testing.simulation" }
-- sim.log and sim.errors are lists, and sim:log() and sim:errors() give them as well.
function meta.__index(self, key)
  if key == "log" or key == "errors" then return self:_lines(key) end
  return Sim[key]
end
for key, value in pairs(meta) do Sim[key] = value end

M.Simulation = Sim
return M
