-- SPDX-License-Identifier: GPL-2.0-or-later
-- A ruleset in a form in which two of them can be compared: what a packet meets, not how it came to be. Handles, numbers of
-- anonymous sets and the order of elements are left out; anonymous sets and chains stand where they are used.
--
-- Three degrees, each a text for each place ("ip t chain c rule 3"): `exact` has user data and datatypes too, `code` only what
-- the kernel runs, `same` has in place of each register the value that is in it.
local nfdump = require "nfdump"

local canon = { degrees = { "exact", "code", "same" } }

local skip = { -- in any object
	family = true, number = true, table = true, name = true, handle = true, use = true, id = true, set_id = true, chain_id = true,
	position = true, owner = true, backend = true, count = true, elements = true, chain = true, userdata = true, expiration = true,
}

local function sorted(t)
	local keys = {}
	for k in pairs(t) do
		keys[#keys + 1] = k
	end
	table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
	return ipairs(keys)
end

local function plain(v)
	if type(v) ~= "table" then
		return tostring(v)
	end
	local parts = {}
	for _, k in sorted(v) do
		parts[#parts + 1] = (type(k) == "string" and k .. "=" or k .. ":") .. plain(v[k])
	end
	return "{" .. table.concat(parts, " ") .. "}"
end

local ANONYMOUS, INTERVAL, BINDING = 1, 4, 4
local VERDICT = 0xffffff00
local verdicts = { [0] = "drop", "accept", "stolen", "queue", "repeat", [-1] = "continue", [-2] = "break", [-3] = "jump",
	[-4] = "goto", [-5] = "return" }

-- Registers as places of four bytes: the four wide ones lie over the sixteen narrow ones.
local function slot(reg)
	if reg >= 1 and reg <= 4 then
		return (reg - 1) * 4
	end
	return reg >= 8 and reg <= 23 and reg - 8 or nil
end

local name_keys = { [6] = true, [7] = true, [17] = true, [18] = true, [26] = true, [27] = true, [34] = true }
local ct_len = { [6] = 16, [8] = 16, [9] = 16, [13] = 16, [14] = 8, [15] = 8, [16] = 8, [21] = 16, [22] = 16 }

-- How many bytes an expression leaves in its destination …
local written = {
	immediate = function(e) return #(e.data.value or "") // 2 end,
	lookup = function(_, set) return set and set.data_len or 16 end,
	meta = function(e) return name_keys[e.key] and 16 or e.key == 30 and 8 or 4 end,
	ct = function(e) return ct_len[e.key] or 4 end,
	rt = function(e) return e.key == 2 and 16 or 4 end,
	xfrm = function(e) return (e.key == 2 or e.key == 4) and 16 or 4 end,
	socket = function(e) return e.key == 3 and 8 or 4 end,
	fib = function(e) return e.result == 2 and 16 or 4 end,
	osf = function() return 16 end,
	exthdr = function(e) return (e.flags or 0) & 1 == 1 and 1 or e.len end,
}

-- … and takes from a source.
local function taken(e, field, set)
	local wide = (e.family or e.nfproto) == 10 and 16 or 4
	if e.expr == "cmp" then
		return #(e.data.value or "") // 2
	elseif e.expr == "range" then
		return #(e.from.value or "") // 2
	elseif e.expr == "lookup" or e.expr == "dynset" or e.expr == "objref" then
		return set and (field == "sreg_data" and set.data_len or set.key_len) or 4
	elseif field:find "addr" then
		return wide
	elseif field:find "proto" or field:find "port" or field == "sreg_qnum" then
		return 2
	elseif e.expr == "meta" and name_keys[e.key] then
		return 16
	elseif e.expr == "ct" then
		return ct_len[e.key] or 4
	end
	return e.len or 4
end

-- What these do is to leave a value and nothing else, so they count where the value is used.
local pure = { payload = true, exthdr = true, meta = true, ct = true, rt = true, socket = true, fib = true, osf = true, hash = true,
	xfrm = true, tunnel = true, immediate = true, bitwise = true, byteorder = true }

local world = {}
world.__index = world

function world:set(name)
	return self.sets[name]
end

function world:set_text(s, degree)
	local exact, anonymous, parts = degree == "exact", s.flags and s.flags & ANONYMOUS ~= 0, {}
	for _, k in sorted(s) do
		local v = s[k]
		if k == "userdata" or k == "key_type" or k == "data_type" and v ~= VERDICT then
			v = exact and v or nil
		elseif k == "desc" then
			v = plain { size = (exact or not anonymous) and v.size or nil, parts = v.parts and plain(v.parts) or nil }
			v = v ~= "{}" and v or nil
		elseif k == "expr" or k == "exprs" then
			v = self:exprs_text(k == "expr" and { v } or v, degree)
			k = "exprs"
		elseif skip[k] or k == "policy" and v == 0 then
			v = nil
		end
		if v then
			parts[#parts + 1] = k .. "=" .. tostring(v)
		end
	end
	if exact and anonymous and not s.name:find "^__%a+%d+$" then
		parts[#parts + 1] = "name=" .. s.name -- of a meter
	end
	return table.concat(parts, " ")
end

function world:elem_text(el, degree)
	local parts = {}
	for _, k in sorted(el) do
		local v = el[k]
		if k == "key" or k == "key_end" or k == "data" then
			v = self:data_text(v, degree)
		elseif k == "userdata" then
			v = degree == "exact" and v or nil
		elseif k == "expr" or k == "exprs" then
			v = self:exprs_text(k == "expr" and { v } or v, degree)
			k = "exprs"
		elseif skip[k] or k == "flags" and v == 0 then
			v = nil
		end
		if v then
			parts[#parts + 1] = k .. "=" .. tostring(v)
		end
	end
	return table.concat(parts, " ")
end

-- An interval set may say or leave out that nothing lies before its first element.
local function sentinel(s, el)
	return (s.flags or 0) & INTERVAL ~= 0 and (el.flags or 0) & 1 == 1 and not el.key_end and not (el.key.value or ""):find "[^0]"
end

function world:elements(s, degree)
	local out = {}
	for _, el in ipairs(s.elements) do
		if degree == "exact" or not sentinel(s, el) then
			out[#out + 1] = self:elem_text(el, degree)
		end
	end
	table.sort(out)
	return out
end

function world:data_text(d, degree)
	if not d.verdict then
		return d.value or "nothing"
	end
	local name = d.verdict.chain
	local word = verdicts[d.verdict.code] or tostring(d.verdict.code)
	if not name then
		return word
	end
	local chain = self.chains[name]
	if not chain or (chain.flags or 0) & BINDING == 0 then
		return word .. " " .. name
	end
	local rules = {}
	for i, r in ipairs(self.rules[name] or {}) do
		rules[i] = self:rule_text(r, degree)
	end
	return word .. " {" .. table.concat(rules, " ; ") .. "}"
end

local function is_reg(field)
	return field ~= "dreg" and (field:find "^s?reg" ~= nil)
end

-- The value in the registers from reg on, len bytes of it.
local function value_of(regs, reg, len)
	local first, parts = slot(reg), {}
	if not first then
		return "reg" .. reg
	end
	for i = 0, (len + 3) // 4 - 1 do
		local r = regs[first + i]
		if not r then
			parts[#parts + 1] = "undefined"
		elseif i == 0 or r[1] ~= regs[first + i - 1][1] or r[2] ~= regs[first + i - 1][2] + 1 then
			parts[#parts + 1] = r[1] .. (r[2] > 0 and "[" .. r[2] .. ":]" or "")
		end
	end
	return "(" .. table.concat(parts, " . ") .. ")"
end

function world:expr_text(e, degree, regs)
	local parts, set = { e.expr }, e.set and self:set(e.set)
	if set and (set.flags or 0) & ANONYMOUS ~= 0 then
		parts[2] = ("[%s: %s]"):format(self:set_text(set, degree), table.concat(self:elements(set, degree), ", "))
	elseif e.set then
		parts[2] = "@" .. e.set
	end
	for _, k in sorted(e) do
		local v = e[k]
		if type(v) == "table" and (v.value or v.verdict) then
			v = self:data_text(v, degree)
		elseif k == "exprs" then
			v = "{ " .. self:exprs_text(v, degree) .. " }"
		elseif k == "expr" or k == "set" or k == "set_id" then
			v = nil
		elseif k == "dreg" then
			v = not slot(v) and "verdict" or not regs and "@" .. slot(v) or nil
		elseif is_reg(k) then
			if regs and k:find "_max$" and v == e[k:gsub("max$", "min")] then
				v = nil -- a range of one
			else
				v = regs and value_of(regs, v, taken(e, k, set)) or "@" .. tostring(slot(v) or v)
			end
		end
		if v ~= nil then
			parts[#parts + 1] = k .. "=" .. plain(v)
		end
	end
	return table.concat(parts, " ")
end

-- A rule's expressions, or those of an element.
function world:exprs_text(exprs, degree)
	local out, regs, n = {}, degree == "same" and {} or nil, 0
	for _, e in ipairs(exprs) do
		if regs and e.expr == "byteorder" and e.len < e.size and e.sreg == e.dreg then
			goto continue -- a turn of less than one word
		end
		if e.expr == "dynset" then -- one expression can be said in two ways
			e.exprs = e.exprs or e.one and { e.one }
			e.one, e.flags = nil, (e.flags or 0) & ~2
		end
		local text = self:expr_text(e, degree, regs)
		local dest = regs and e.dreg and slot(e.dreg)
		if dest then
			if not pure[e.expr] then
				n = n + 1
				text = text .. " #" .. n
				out[#out + 1] = text
			end
			local len = written[e.expr] and written[e.expr](e, e.set and self:set(e.set)) or e.len or 4
			for i = 0, (len + 3) // 4 - 1 do
				regs[dest + i] = { text, i }
			end
		elseif regs and e.expr == "range" and e.op == 0 then
			local v = value_of(regs, e.sreg, taken(e, "sreg"))
			out[#out + 1] = ("cmp data=%s op=5 sreg=%s"):format(self:data_text(e.from, degree), v)
			out[#out + 1] = ("cmp data=%s op=3 sreg=%s"):format(self:data_text(e.to, degree), v)
		else
			out[#out + 1] = text
		end
		::continue::
	end
	return table.concat(out, "\n")
end

function world:rule_text(r, degree)
	local text = self:exprs_text(r.exprs or {}, degree)
	if r.compat then
		text = text .. "\ncompat " .. r.compat
	end
	return degree == "exact" and r.userdata and text .. "\nuserdata " .. r.userdata or text
end

local function object_text(o, degree)
	local t = {}
	for k, v in pairs(o) do
		if not skip[k] or k == "userdata" and degree == "exact" then
			t[k] = v
		end
	end
	if type(t.hook) == "table" then
		t.hook.devices = t.hook.devices or t.hook.device and { t.hook.device }
		t.hook.device = nil
	end
	return plain(t)
end

local function worlds(r)
	local all = {}
	for _, t in ipairs(r.tables) do
		all[t.family .. " " .. t.name] = setmetatable({ table = t, sets = {}, chains = {}, rules = {}, objects = {}, flowtables = {} },
			world)
	end
	for _, kind in ipairs { "sets", "chains", "objects", "flowtables" } do
		for _, o in ipairs(r[kind]) do
			all[o.family .. " " .. o.table][kind][kind == "objects" and o.type .. " " .. o.name or o.name] = o
		end
	end
	for _, rule in ipairs(r.rules) do
		local rules = all[rule.family .. " " .. rule.table].rules
		rules[rule.chain] = rules[rule.chain] or {}
		table.insert(rules[rule.chain], rule)
	end
	return all
end

-- A ruleset of nfdump → { exact = { [PLACE] = text }, code = …, same = … }
function canon.of(ruleset)
	local out = {}
	local all = worlds(ruleset)
	for _, degree in ipairs(canon.degrees) do
		local places = {}
		out[degree] = places
		for name, w in pairs(all) do
			places[name] = object_text(w.table, degree)
			for _, c in pairs(w.chains) do
				if (c.flags or 0) & BINDING == 0 then
					local place = name .. " chain " .. c.name
					places[place] = object_text(c, degree)
					for i, rule in ipairs(w.rules[c.name] or {}) do
						places[place .. " rule " .. i] = w:rule_text(rule, degree)
					end
				end
			end
			for _, s in pairs(w.sets) do
				if (s.flags or 0) & ANONYMOUS == 0 then
					local place = name .. " set " .. s.name
					places[place] = w:set_text(s, degree)
					places[place .. " elements"] = table.concat(w:elements(s, degree), "\n")
				end
			end
			for _, o in pairs(w.objects) do
				places[name .. " object " .. o.type .. " " .. o.name] = object_text(o, degree)
			end
			for _, f in pairs(w.flowtables) do
				places[name .. " flowtable " .. f.name] = object_text(f, degree)
			end
		end
	end
	return out
end

-- The first line in which two texts differ.
local function first_difference(a, b)
	local have = {}
	for line in (b .. "\n"):gmatch "(.-)\n" do
		have[#have + 1] = line
	end
	local i = 0
	for line in (a .. "\n"):gmatch "(.-)\n" do
		i = i + 1
		if line ~= have[i] then
			return line, have[i] or "(nothing)"
		end
	end
	return "(nothing)", have[i + 1]
end

-- The highest degree at which both are the same, or nil; and what differs at the one above, as lines "PLACE\n< a\n> b".
function canon.compare(a, b)
	local notes
	for _, degree in ipairs(canon.degrees) do
		local all, differ = {}, {}
		for place in pairs(a[degree]) do
			all[place] = true
		end
		for place in pairs(b[degree]) do
			all[place] = true
		end
		for _, place in sorted(all) do
			local x, y = a[degree][place], b[degree][place]
			if x ~= y then
				if x and y then
					x, y = first_difference(x, y)
				end
				differ[#differ + 1] = ("%s\n< %s\n> %s"):format(place, x or "(nothing)", y or "(nothing)")
			end
		end
		if #differ == 0 then
			return degree, notes
		end
		notes = differ
	end
	return nil, notes
end

-- What the kernel holds here and now.
function canon.now()
	return canon.of(nfdump.ruleset())
end

return canon
