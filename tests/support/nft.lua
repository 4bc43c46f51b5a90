-- SPDX-License-Identifier: GPL-2.0-or-later
-- What the kernel holds, as nft tells it, in a namespace of netns.lua.
local json = require "dkjson"
local sh = require "sh"

local nft = {}

-- The objects of `nft -j list …`, each { kind = {…} }; nil when there is no such thing.
function nft.list(ns, what)
	local out, code = ns:try("nft -j list " .. (what or "ruleset"))
	if code ~= 0 then
		return nil, out
	end
	local objects = assert(json.decode(out)).nftables
	table.remove(objects, 1)
	return objects
end

function nft.ruleset(ns)
	return ns:run "nft list ruleset"
end

local function text(e)
	if type(e) ~= "table" then
		return tostring(e)
	elseif e.elem then
		return text(e.elem.val)
	elseif e.prefix then
		return e.prefix.addr .. "/" .. e.prefix.len
	elseif e.range then
		return text(e.range[1]) .. "-" .. text(e.range[2])
	elseif e.concat then
		local parts = {}
		for i, part in ipairs(e.concat) do
			parts[i] = text(part)
		end
		return table.concat(parts, " . ")
	elseif #e == 2 then
		return text(e[1]) .. " : " .. (type(e[2]) == "table" and json.encode(e[2]) or tostring(e[2]))
	end
	return json.encode(e)
end

-- The elements of "inet t s" as sorted strings; nil when there is no such set.
function nft.set(ns, name, kind)
	local objects = nft.list(ns, (kind or "set") .. " " .. name)
	if not objects then
		return nil
	end
	local out = {}
	for _, object in ipairs(objects) do
		for _, e in ipairs((object.set or object.map or {}).elem or {}) do
			table.insert(out, text(e))
		end
	end
	table.sort(out)
	return out
end

function nft.map(ns, name)
	return nft.set(ns, name, "map")
end

local monitor = {}
monitor.__index = monitor

-- Follows the namespace's rulesets. m:generations() counts the new ones since, own ones of the monitor apart.
function nft.monitor(ns)
	local self = setmetatable({ ns = ns, probes = 0, seen = 0, process = sh.spawn(ns:enter() .. "stdbuf -oL nft monitor") }, monitor)
	-- Only once a probe was seen is it known to listen.
	sh.eventually(function()
		local probe = self:probe()
		sh.sleep(0.02)
		return self:before(probe)
	end)
	self:generations()
	return self
end

-- A generation of the monitor's own → its name.
function monitor:probe()
	self.probes = self.probes + 1
	local name = "_probe" .. self.probes
	self.ns:run(("nft 'add table inet %s; delete table inet %s'"):format(name, name))
	return name
end

-- What was told before a probe, once it is told of, and where what comes after it begins.
function monitor:before(probe)
	local out = self.process:output()
	local first = out:find("add table inet " .. probe .. "\n", self.seen + 1, true)
	local _, last = out:find("delete table inet " .. probe .. "\n# new generation[^\n]*\n", self.seen + 1)
	return first and last and out:sub(self.seen + 1, first - 1), last
end

-- Number of generations since the monitor began or was last asked, and the text that told of them.
function monitor:generations()
	local probe = self:probe()
	local told, last = sh.eventually(function() return self:before(probe) end, 20, "nft monitor's word of a probe")
	self.seen = last
	local _, n = told:gsub("# new generation", "")
	return n, told
end

function monitor:close()
	self.process:stop()
end

return nft
