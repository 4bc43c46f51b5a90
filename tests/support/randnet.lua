-- SPDX-License-Identifier: GPL-2.0-or-later
-- A network that changes at random beside a simulated one, and what it is at the end, to start another one with.
-- Changes come as events, as a backlog of several, or are missed and found by a new dump.
local M = {}
local Net = {}
Net.__index = Net

-- A generator of its own: the specs' seeds must mean the same with every Lua.
function M.random(seed)
	local state = seed * 2862933555777941757 + 3037000493
	return function(n)
		state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
		return (state >> 33) % n + 1
	end
end

local names = { "wan0", "wan1", "lan0", "lan1", "tap7", "tap8", "x0" }
local states = { "reachable", "stale", "failed", "permanent" }

function M.new(seed)
	return setmetatable({ random = M.random(seed), links = {}, addrs = {}, neighs = {}, routes = {}, rules = {}, index = 10 }, Net)
end

function Net:one(list)
	return list[self.random(#list)]
end

local function sorted(t)
	local keys = {}
	for k in pairs(t) do keys[#keys + 1] = k end
	table.sort(keys)
	return keys
end

function Net:any(t)
	local keys = sorted(t)
	return #keys > 0 and self:one(keys) or nil
end

-- What goes with a link, or with its being up.
function Net:forget(name, which)
	for _, kind in ipairs { "addrs", "neighs", "routes" } do
		for key, r in pairs(self[kind]) do
			if r.link == name and (not which or which(kind, r)) then self[kind][key] = nil end
		end
	end
end

local step = {}

function step.link_add(self, sim)
	local name = self:one(names)
	if self.links[name] then return end
	self.index = self.index + 1
	local link = { up = self.random(4) > 1, mtu = 1500, ifindex = self.index, mac = ("02:00:00:00:00:%02x"):format(self.random(9)) }
	self.links[name] = link
	sim:link_add(name, link)
end

function step.link_del(self, sim)
	local name = self:any(self.links)
	if not name or self.random(3) > 1 then return end
	self.links[name] = nil
	self:forget(name)
	sim:link_del(name)
end

function step.link_set(self, sim)
	local name = self:any(self.links)
	if not name then return end
	local change = self:one { { up = true }, { up = false }, { mtu = 1000 + self.random(4) }, { carrier = false },
		{ mac = ("02:00:00:00:00:%02x"):format(self.random(9)) } }
	local was = self.links[name].up
	for k, v in pairs(change) do self.links[name][k] = v end
	if change.up ~= nil then self.links[name].carrier = change.up end
	if was and change.up == false then
		self:forget(name, function(kind, r) return kind ~= "addrs" or r.address:find ":" end)
		sim:link_down(name)
	else
		sim:link_set(name, change)
	end
end

function step.link_rename(self, sim)
	local name, to = self:any(self.links), self:one(names)
	if not name or self.links[to] then return end
	self.links[name], self.links[to] = nil, self.links[name]
	for _, kind in ipairs { "addrs", "neighs", "routes" } do
		for _, r in pairs(self[kind]) do
			if r.link == name then r.link = to end
		end
	end
	sim:link_set(name, { name = to })
end

function step.addr(self, sim)
	local name = self:any(self.links)
	if not name then return end
	local a = self:one { "10.0.0.1/24", "10.0.0.2/24", "10.1.0.1/16", "10.0.1.1/24", "192.0.2.7/32", "2001:db8::1/64", "2001:db8:1::1/64", "fe80::1/64" }
	local key = self.links[name].ifindex .. " " .. a
	local old = self.addrs[key]
	if old and self.random(3) == 1 then
		old.preferred_lft = self.random(1000)
		old.valid_lft = 2000
	elseif old then
		self.addrs[key] = nil
		sim:addr_del(name, a)
		return
	else
		self.addrs[key] = { link = name, address = a }
	end
	sim:addr_add(name, a, { valid_lft = self.addrs[key].valid_lft, preferred_lft = self.addrs[key].preferred_lft })
end
step.addr_again = step.addr
step.addr_more = step.addr

function step.neigh(self, sim)
	local name = self:any(self.links)
	if not name or not self.links[name].up then return end
	local a = self:one { "10.0.0.9", "10.0.0.10", "10.0.1.9", "fe80::9" }
	local key = self.links[name].ifindex .. " " .. a
	if self.neighs[key] and self.random(2) == 1 then
		self.neighs[key] = nil
		sim:neigh_del(name, a)
		return
	end
	self.neighs[key] = { link = name, address = a, mac = ("02:00:00:00:01:%02x"):format(self.random(3)), state = self:one(states) }
	sim:neigh_add(name, a, { mac = self.neighs[key].mac, state = self.neighs[key].state })
end

local function route_fields(r)
	return { dst = r.dst, gateway = r.gateway, metric = r.metric, link = r.link, protocol = r.protocol }
end

function step.route(self, sim)
	local key = self:any(self.routes)
	if key and self.random(2) == 1 then
		local r = self.routes[key]
		self.routes[key] = nil
		sim:route_del(route_fields(r))
		return
	end
	local name = self:any(self.links)
	if not name or not self.links[name].up then return end
	local r = { link = name, dst = self:one { "default", "198.51.100.0/24", "203.0.113.0/24" }, gateway = "10.0.0.254", metric = self.random(2), protocol = "static" }
	key = ("%s %d"):format(r.dst, r.metric)
	if self.routes[key] then return end
	self.routes[key] = r
	sim:route_add(route_fields(r))
end

function step.rule(self, sim)
	local prio = 100 + self.random(3)
	if self.rules[prio] then
		sim:rule_del(self.rules[prio])
		self.rules[prio] = nil
	else
		self.rules[prio] = { priority = prio, fwmark = self.random(3), table = 100 }
		sim:rule_add(self.rules[prio])
	end
end

local kinds = sorted(step)

-- One thing after another happens, and is told as it does.
function Net:change(sim)
	local how = self.random(8)
	if how == 1 then
		return self:miss(sim)
	elseif how <= 3 then
		return sim:backlog(function()
			for _ = 1, self.random(6) do step[self:one(kinds)](self, sim) end
		end)
	end
	step[self:one(kinds)](self, sim)
end

local function records(self, kind)
	local list = {}
	for _, key in ipairs(sorted(self[kind])) do
		local r = {}
		for k, v in pairs(self[kind][key]) do r[k] = v end
		list[#list + 1] = kind == "routes" and route_fields(r) or r
	end
	return list
end

-- Things happen and nobody hears of them; then everything is read anew.
function Net:miss(sim)
	sim:resync(function()
		for _ = 1, self.random(8) do step[self:one(kinds)](self, sim) end
	end)
end

-- All of it at once, for a simulation that begins.
function Net:feed()
	return function(sim)
		for _, name in ipairs(sorted(self.links)) do sim:link_add(name, self.links[name]) end
		for _, r in ipairs(records(self, "addrs")) do sim:addr_add(r.link, r.address, { valid_lft = r.valid_lft, preferred_lft = r.preferred_lft }) end
		for _, r in ipairs(records(self, "neighs")) do sim:neigh_add(r.link, r.address, r) end
		for _, r in ipairs(records(self, "routes")) do sim:route_add(r) end
		for _, r in ipairs(records(self, "rules")) do sim:rule_add(r) end
	end
end

return M
