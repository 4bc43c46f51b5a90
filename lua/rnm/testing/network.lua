-- SPDX-License-Identifier: GPL-2.0-or-later
-- What happens to the network of a simulation. Each call is one notification, and one transaction; those within
-- backlog() share one, and those within missed() rnm never hears of.
local tools = require "rnm.testing.tools"

local M = {}

local flag_names = {
  "autojoin", "dadfailed", "deprecated", "dynamic", "home", "mngtmpaddr", "nodad", "noprefixroute", "optimistic", "secondary", "stableprivacy",
  "temporary", "tentative",
}

function M:_send(verb, kind, fields)
  local change = { verb, kind, fields }
  if self.pending then
    self.pending[#self.pending + 1] = change
    return self
  end
  return self:_check(self.c:net({ change }, self.missing))
end

---All that fn does to the network arrives as one backlog, in one transaction.
function M:backlog(fn)
  if self.pending then
    fn(self)
    return self
  end
  self.pending = {}
  local ok, err = pcall(fn, self)
  local changes = self.pending
  self.pending = nil
  if not ok then error(err, 0) end
  return self:_check(self.c:net(changes, self.missing))
end
M.batch = M.backlog
M.transaction = M.backlog

---What fn does to the network rnm does not hear of (its socket ran over): until resync().
function M:missed(fn)
  self.missing = true
  local ok, err = pcall(fn, self)
  self.missing = nil
  if not ok then error(err, 0) end
  return self
end

---rnm's socket ran over: it reads the network anew. fn: what it missed.
function M:resync(fn, reason)
  if type(fn) == "string" then fn, reason = nil, fn end
  if fn then self:missed(fn) end
  return self:_check(self.c:resync(reason or "overrun"))
end

-- ---- links ----

local function find_link(self, name)
  local link = self.links[name]
  if link then return link end
  local names = {}
  for n in pairs(self.links) do names[#names + 1] = n end
  tools.fail("there is no link %s%s", tostring(name), tools.near(name, names))
end

local not_of_links = { zone = true, addrs = true, addresses = true }

local function send_link(self, link, verb)
  local r = {}
  for k, v in pairs(link) do if not not_of_links[k] then r[k] = v end end
  if type(r.master) == "string" then r.master = find_link(self, r.master).ifindex end
  return self:_send(verb or "set", "link", r)
end

function M:link_add(name, fields)
  if type(name) ~= "string" then tools.fail("link_add: expected a name, got a " .. type(name)) end
  local link = tools.merged(fields, { name = name })
  link.ifindex = link.ifindex or self.next_ifindex
  self.next_ifindex = math.max(self.next_ifindex, link.ifindex) + 1
  self.links[name] = link
  if self.started and link.zone and not ((self.opts.links or {})[name] or {}).zone then
    self.opts = tools.merged(self.opts, { links = tools.merged(self.opts.links, { [name] = { zone = link.zone } }) })
    self.c:zone(name, link.zone)
  end
  return send_link(self, link)
end

local function link_set(self, name, fields, verb)
  local old = find_link(self, name)
  local link = tools.merged(old, fields)
  if (fields or {}).up ~= nil and fields.carrier == nil then link.carrier = fields.up end
  for field, value in pairs(link) do if value == "" then link[field] = nil end end
  self.links[name] = nil
  self.links[link.name] = link
  for _, other in pairs(self.links) do if other.master == name then other.master = link.name end end
  return send_link(self, link, verb)
end

---Fields of the link change, and nothing else.
function M:link_set(name, fields) return link_set(self, name, fields) end
M.link_change = M.link_set

function M:link_rename(name, to) return link_set(self, name, { name = to }) end

---The administrator's switch. Down: the kernel takes the IPv4 routes over it away without a word, and its IPv6
---addresses, IPv6 routes and neighbours, which it tells.
function M:link_up(name) return link_set(self, name, { up = true }) end

function M:link_down(name) return link_set(self, name, { up = false }, "down") end

---The cable.
function M:link_carrier(name, on) return link_set(self, name, { carrier = on ~= false }) end

local function forget(self, ifindex)
  for _, list in pairs(self.records) do
    for i = #list, 1, -1 do if list[i].ifindex == ifindex then table.remove(list, i) end end
  end
end

---The link goes, and all that stands on it.
function M:link_del(name)
  local link = find_link(self, name)
  self.links[name] = nil
  for _, other in pairs(self.links) do if other.master == name then other.master = nil end end
  forget(self, link.ifindex)
  return send_link(self, link, "del")
end

-- ---- the other kinds ----

-- A set of flags as the record takes it: { dynamic = true }, { "dynamic" }, or flags as fields of their own, which change those
-- that are said or were there. nil: nothing is said of them.
local function take_flags(r, old)
  local set, said = {}, r.flags ~= nil
  if type(r.flags) == "table" then
    for k, v in pairs(r.flags) do
      if type(k) == "number" then set[v] = true elseif v then set[k] = true end
    end
  else
    for name in (r.flags or old or ""):gmatch "[^,%s]+" do set[name] = true end
  end
  for _, name in ipairs(flag_names) do
    if r[name] ~= nil then
      set[name], said = r[name] or nil, true
      r[name] = nil
    end
  end
  local flags = {}
  for name in pairs(set) do flags[#flags + 1] = name end
  table.sort(flags)
  r.flags = said and table.concat(flags, ",") or nil
end

local function hop_text(self, hop)
  if type(hop) ~= "table" then return tostring(hop) end
  local out, dev = {}, hop.iface or hop.dev or hop.link
  if hop.gateway or hop.via then out[#out + 1] = "via " .. (hop.gateway or hop.via) end
  if dev or hop.ifindex then out[#out + 1] = "dev " .. (dev and find_link(self, dev).ifindex or hop.ifindex) end
  if hop.weight then out[#out + 1] = "weight " .. hop.weight end
  return table.concat(out, " ")
end

-- iface, link or dev: the name of the link; via: the gateway.
local function normal(self, kind, fields, old)
  local r = tools.merged(fields)
  local dev = r.iface or r.link or r.dev
  r.iface, r.link, r.dev = nil, nil, nil
  if dev then r.ifindex = find_link(self, dev).ifindex end
  if kind == "route" then
    r.gateway, r.via = r.gateway or r.via, nil
    if type(r.nexthops) == "table" then
      local hops = {}
      for i, hop in ipairs(r.nexthops) do hops[i] = hop_text(self, hop) end
      r.nexthops = table.concat(hops, ", ")
    end
  elseif kind == "addr" then
    take_flags(r, old and old.flags)
  end
  return r
end

local identity = {
  addr = { "ifindex", "address" }, neigh = { "ifindex", "address" },
  route = { "family", "dst", "table", "metric", "ifindex", "gateway" }, rule = { "family", "priority", "src", "dst", "iif", "oif", "fwmark", "table" },
}

local function same(kind, a, b)
  for _, f in ipairs(identity[kind]) do
    local x, y = a[f], b[f]
    if kind == "addr" and f == "address" and type(x) == "string" and type(y) == "string" and not (x:find "/" and y:find "/") then
      x, y = x:match "^[^/]*", y:match "^[^/]*"
    end
    if x ~= y then return false end
  end
  return true
end

-- The record that fits what is said: all of what identifies it, or else the first with the fields given.
local function find(self, kind, r)
  local list = self.records[kind]
  for i, old in ipairs(list) do if same(kind, old, r) then return i, old end end
  for i, old in ipairs(list) do
    local fits = true
    for _, f in ipairs(identity[kind]) do
      if r[f] ~= nil and r[f] ~= old[f] and not (f == "address" and tostring(old[f]):match "^[^/]*" == r[f]) then fits = false end
    end
    if fits then return i, old end
  end
end

local function add(self, kind, fields)
  local r = normal(self, kind, fields)
  local list, at = self.records[kind], nil
  for i, old in ipairs(list) do if same(kind, old, r) then at = i end end
  list[at or #list + 1] = r
  return self:_send("set", kind, r)
end

local function change(self, kind, fields)
  local r = normal(self, kind, fields)
  local at, old = find(self, kind, r)
  if not at then tools.fail("there is no such %s to be changed", kind) end
  r = tools.merged(old, normal(self, kind, fields, old))
  r.address = old.address
  self.records[kind][at] = r
  return self:_send("set", kind, r)
end

local function del(self, kind, fields)
  local r = normal(self, kind, fields)
  local at, old = find(self, kind, r)
  if at then table.remove(self.records[kind], at) end
  return self:_send("del", kind, old or r)
end

-- addr_add("eth0", "192.0.2.1/24", { … }), or addr_add { iface = "eth0", address = "192.0.2.1/24", … }
local function of_link(name, link, address, fields)
  if type(link) == "table" then return link end
  if type(link) == "string" and type(address) == "table" then return tools.merged(address, { address = link }) end
  if type(link) ~= "string" or type(address) ~= "string" then
    tools.fail("%s: expected a link and an address, got %s and %s", name, type(link), type(address))
  end
  return tools.merged(fields, { iface = link, address = address })
end

function M:addr_add(link, address, fields) return add(self, "addr", of_link("addr_add", link, address, fields)) end
function M:addr_set(link, address, fields) return change(self, "addr", of_link("addr_set", link, address, fields)) end
M.addr_change = M.addr_set
function M:addr_del(link, address, fields) return del(self, "addr", of_link("addr_del", link, address, fields)) end

---All addresses of the link go, as a lease that ends.
function M:addr_flush(link)
  local ifindex, list = find_link(self, link).ifindex, {}
  for _, a in ipairs(self.records.addr) do if a.ifindex == ifindex then list[#list + 1] = a.address end end
  return self:backlog(function () for _, a in ipairs(list) do self:addr_del(link, a) end end)
end

local function neigh(name, link, address, fields)
  if type(fields) == "string" then fields = { mac = fields } end
  return of_link(name, link, address, fields)
end

function M:neigh_add(link, address, fields) return add(self, "neigh", neigh("neigh_add", link, address, fields)) end
function M:neigh_set(link, address, fields) return change(self, "neigh", neigh("neigh_set", link, address, fields)) end
M.neigh_change = M.neigh_set
function M:neigh_del(link, address, fields) return del(self, "neigh", neigh("neigh_del", link, address, fields)) end

-- route_add("default", { via = "192.0.2.1", iface = "eth0" }), route_add("eth0", "10.0.0.0/8"), or route_add { dst = …, … }
local function route(self, dst, fields, more)
  if type(dst) == "table" then return dst end
  if type(fields) == "string" then
    local link = self.links[dst] and dst or fields
    return tools.merged(more, { iface = link, dst = link == dst and fields or dst })
  end
  return tools.merged(fields, { dst = dst })
end

function M:route_add(dst, fields, more) return add(self, "route", route(self, dst, fields, more)) end
function M:route_set(dst, fields, more) return change(self, "route", route(self, dst, fields, more)) end
M.route_change = M.route_set
function M:route_del(dst, fields, more) return del(self, "route", route(self, dst, fields, more)) end

function M:rule_add(fields) return add(self, "rule", fields) end
function M:rule_del(fields) return del(self, "rule", fields) end

---A change of a rule is told as another one that comes and the old one that goes.
function M:rule_set(fields, new)
  return self:backlog(function ()
    local r = normal(self, "rule", fields)
    local _, old = find(self, "rule", r)
    self:rule_del(fields)
    self:rule_add(tools.merged(old or r, new))
  end)
end
M.rule_change = M.rule_set

---What the kernel's dump says of a kind after an overrun: these records, and none else. Addresses as { link = …, address = … }.
function M:dump(kind, records, reason)
  local list = {}
  for i, r in ipairs(records) do
    if kind == "link" then
      list[i] = tools.merged(r)
      list[i].zone = nil
    else
      list[i] = normal(self, kind, r)
    end
  end
  if self.records[kind] then self.records[kind] = list end
  return self:_check(self.c:dump(kind, list, reason))
end

return M
