-- SPDX-License-Identifier: GPL-2.0-or-later
-- Random policies whose ruleset is a function of the network: main chunk, blocks, `each`, hooks, live values and edits,
-- nested in each other, some of which fail now and then until they are told to be calm.
local randnet = require "randnet"

local FLAKY = [[
local calm, n = rnm.state.calm, %d
local function flaky()
  if calm then return end
  n = (n * 1103515245 + 12345) %% 2147483648
  if n / 2147483648 < 0.1 then error "flaky" end
end
function on_message(ev) rnm.state.calm = true calm = true end
]]
local SURE = "local function flaky() end\n"

local Gen = {}
Gen.__index = Gen

function Gen:one(list) return list[self.random(#list)] end
function Gen:maybe(text) return self.random(2) == 1 and text or nil end
function Gen:say(text) self.out[#self.out + 1] = text end
function Gen:fresh(prefix)
	self.n = self.n + 1
	return prefix .. self.n
end

local function filters(self, choices)
	local list = {}
	for _, c in ipairs(choices) do
		if self.random(3) == 1 then list[#list + 1] = self:one(c) end
	end
	return "{ " .. table.concat(list, ", ") .. " }"
end

local ZONE = { 'zone = "wan"', 'zone = "lan"', 'zone = "?*"', 'zone = "!wan"', 'zone = { "wan", "lan" }' }
local IFACE = { 'iface = "wan*"', 'iface = "lan0"', 'iface = "!tap7"', 'iface = { "x0", "tap*" }' }
local query = {}
function query.links(self) return "net.links " .. filters(self, { ZONE, { 'name = "tap*"', 'name = "!x0"', 'name = "wan0"' }, { "up = true", "up = false" }, { "carrier = true" }, { "mtu = 1500", "mtu = 1001" } }) end
function query.addrs4(self) return 'net.addrs { family = "ipv4", ' .. filters(self, { ZONE, IFACE, { 'address = "10.0.*"', 'address = "!10.0.0.1"' }, { 'scope = "global"' } }):sub(2) end
function query.addrs6(self) return 'net.addrs { family = "ipv6", ' .. filters(self, { ZONE, IFACE, { 'scope = "global"', 'scope = "link"' } }):sub(2) end
function query.neighs4(self) return 'net.neighs { family = "ipv4", ' .. filters(self, { ZONE, IFACE, { 'state = "reachable"', 'state = "!failed"', 'state = { "stale", "permanent" }' } }):sub(2) end
function query.routes(self) return "net.routes " .. filters(self, { ZONE, IFACE, { 'dst = "default"' }, { "metric = 1" } }) end
function query.rules(self) return "net.rules " .. filters(self, { { "priority = 101", "priority = { 102, 103 }" }, { "fwmark = 1" } }) end

-- What stands for a record in a rule: a match, with its value as $v.
local match = { links = "iifname $v", addrs4 = "ip saddr $v", addrs6 = "ip6 saddr $v", neighs4 = "ip daddr $v" }
local kinds = { "links", "addrs4", "addrs6", "neighs4" }
local key = { links = "r.name", addrs4 = 'r.iface .. r.address', addrs6 = 'r.iface .. r.address', neighs4 = 'r.iface .. r.address' }

local statement = {}

function statement.live_rule(self, c)
	local k = self:one(kinds)
	self:say(('%s:rule("%s %s", { v = %s })'):format(c, match[k], self:one { "accept", "counter drop", "return" }, query[k](self)))
end

function statement.first_rule(self, c)
	self:say(('%s:rule("meta mark set $v", { v = %s:map("mtu") })'):format(c, query.links(self)))
end

function statement.by_index(self, c)
	self:say(('%s:rule("%s %s counter")'):format(c, self:one { "iif", "meta iif !=" }, self:one { "wan0", "lan1", "tap7" }))
end

function statement.live_set(self)
	local s = self:fresh "s"
	self:say(("local %s = t:set(%q, %s)"):format(s, s, self:one {
		'{ type = "ipv4_addr", elements = ' .. query.addrs4(self) .. " }",
		'{ type = "ipv4_addr", flags = "interval", auto_merge = true, elements = ' .. query.addrs4(self) .. ':map("network") }',
		'{ type = "ifname", elements = ' .. query.links(self) .. " }",
		'{ type = "ether_addr", elements = ' .. query.neighs4(self) .. ':map("mac") }',
		'{ type = "ipv4_addr", elements = ' .. query.addrs4(self) .. ':map(function (a) return net.host(a.network, "0.0.0.77") end) }',
	}))
end

function statement.follow(self)
	local m = self:fresh "m"
	self:say(('t:map(%q, { type = "ifname : mark" }):follow(%s, "name", "mtu")'):format(m, query.links(self)))
end

function statement.block(self, c, depth)
	self:say "rnm.block(function ()"
	for _ = 1, self.random(3) do
		local k = self:one(kinds)
		self:say(self:one {
			("for i, r in ipairs(%s) do %s:rule('%s meta mark $i accept', { v = r, i = i }) end"):format(query[k](self), c, match[k]),
			("%s:rule('meta mark $n accept', { n = #%s })"):format(c, query[k](self)),
			("local r = %s:first() if r then %s:rule('%s drop', { v = r }) end"):format(query[k](self), c, match[k]),
			("local r = %s:first() if r and r.iface then %s:rule('oifname $i accept', { i = r.iface }) end"):format(query.routes(self), c),
			("for _, r in ipairs(%s) do %s:rule('meta mark $m accept', { m = r.priority }) end"):format(query.rules(self), c),
			("local l = net.link %q if l and l.up then %s:rule('iifname $i return', { i = l.name }) end"):format(self:one { "wan0", "tap8" }, c),
			("all:add(%s:first() or '10.99.0.1')"):format(query.addrs4(self)),
		})
	end
	self:say "flaky()"
	if depth < 3 and self.random(2) == 1 then self:statement(c, depth + 1) end
	self:say "end)"
end

function statement.each(self, c, depth)
	local k = self:one(kinds)
	local m = self:fresh "e"
	self:say(('local %s = t:map(%q, { type = "mark : verdict" })'):format(m, m))
	self:say(("rnm.each(%s, function (r)"):format(query[k](self)))
	local own = self:fresh "c"
	self:say(('local %s = t:chain(nft.name(%q .. %s))'):format(own, own .. "-", key[k]))
	self:say(("%s:rule('%s accept', { v = r })"):format(own, match[k]))
	self:say(("%s:rule('%s jump $c', { v = r, c = %s })"):format(c, match[k], own))
	if k == "links" then self:say(("%s:add(r.ifindex, 'jump ' .. %s.name)"):format(m, own)) end
	self:say "flaky()"
	if self.random(2) == 1 then
		local k2 = self:one(kinds)
		self:say(("for _, v in ipairs(%s) do %s:rule('%s counter', { v = v }) end"):format(query[k2](self):gsub("{", "{ " .. (k2 == "links" and "name" or "iface") .. (k == "links" and " = r.name, " or " = r.iface, "), 1), own, match[k2]))
	end
	if depth < 3 and self.random(3) == 1 then self:statement(own, depth + 1) end
	self:say "end)"
end

function statement.hook(self, c, depth)
	if depth > 0 then return end
	local s = self:fresh "h"
	-- What is replaced is what the filter sees, or the set would depend on when the hook was called.
	local filter = filters(self, { ZONE, IFACE }):gsub("{", '{ family = "ipv4",', 1)
	self:say(('local %s = t:set(%q, { type = "ipv4_addr" })'):format(s, s))
	self:say(('rnm.on("addr_change", %s, function (ev)'):format(filter))
	self:say(("if ev.action ~= 'del' then %s:rule('ip daddr $a counter', { a = ev.address }) end"):format(c))
	self:say "flaky()"
	self:say(("%s:replace(net.addrs %s)"):format(s, filter))
	self:say "end)"
end

function statement.link_hook(self, c, depth)
	if depth > 0 then return end
	local m = self:fresh "k"
	self:say(('local %s = t:map(%q, { type = "ifname : mark" })'):format(m, m))
	self:say(('rnm.on("link_change", %s, function (ev)'):format(filters(self, { ZONE, { "up = true" }, { 'name = "!x0"' } })))
	self:say(("if ev.action == 'del' then %s:del(ev.link.name) return end"):format(m))
	self:say(("if ev.changed and ev.changed.name then %s:del(ev.changed.name) end"):format(m))
	self:say(("%s:add(ev.link.name, ev.link.mtu)"):format(m))
	self:say "flaky()"
	self:say(("%s:rule('iifname $l counter', { l = ev.link })"):format(c))
	self:say "end)"
end

function statement.rule(self, c)
	self:say(("%s:rule 'tcp dport %d accept'"):format(c, self.random(1000)))
end

local names = {}
for name in pairs(statement) do names[#names + 1] = name end
table.sort(names)

function Gen:statement(c, depth)
	self.left = self.left - 1
	if self.left > 0 then statement[self:one(names)](self, c, depth) end
end

local M = {}

-- The packs of a seed: { NAME = source }.
function M.packs(seed)
	local random = randnet.random(seed)
	local packs = {}
	for p = 1, 1 + random(3) do
		local g = setmetatable({ random = random, out = {}, n = p * 1000, left = 12 }, Gen)
		g:say(random(2) == 1 and FLAKY:format(random(1000000)) or SURE)
		g:say(('local t = nft.table("inet", "%s")'):format(random(2) == 1 and "shared" or "own" .. p))
		g:say('local all = t:set("firsts", { type = "ipv4_addr" })')
		g:say('local base = t:chain("in", { type = "filter", hook = "input", priority = 0 })')
		g:say(('local side = t:chain("side%d")'):format(random(2)))
		for _ = 1, 2 + random(5) do g:statement(g:one { "base", "side" }, 0) end
		packs[("%d0-p%d"):format(p, p)] = table.concat(g.out, "\n") .. "\n"
	end
	return packs
end

-- The text of a ruleset with the sets that rnm names written out where they stand: their numbers follow the order of making.
function M.plain(text)
	local body = {}
	text = text:gsub("\tset (_[%w_]+_%d+) (%b{})\n", function(name, content)
		body[name] = content:gsub("%s+", " ")
		return ""
	end)
	return (text:gsub("@(_[%w_]+_%d+)", body))
end

return M
