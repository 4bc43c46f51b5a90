-- SPDX-License-Identifier: GPL-2.0-or-later
-- Rulesets and rules loaded by nft and by rnm, each into a network namespace of its own, and what the kernel then holds of
-- both. How the files look is told in tests/conformance/README.md.
local canon = require "nfcanon"
local nfdump = require "nfdump"
local raw = require "rnm.core".raw
local sh = require "sh"

local conf = { dir = "tests/conformance" }

local tmp = sh.tempdir()
local build = os.getenv "RNM_BUILD" or "build"
if build:sub(1, 1) ~= "/" then
	build = sh.run "pwd":gsub("\n$", "") .. "/" .. build
end
local reference = { load = "nft %s -f %s", compile = "nft -c --debug=netlink %s -f %s" }
local own = { load = build .. "/rnm nft load %s %s", compile = build .. "/rnm nft compile %s %s" }
-- RNM_LOADER=nft holds nft against itself: all must be equal then.
local itself = os.getenv "RNM_LOADER" == "nft"
if itself then
	own = { load = reference.load, compile = reference.compile }
end

function conf.clean()
	sh.run("rm -rf " .. tmp)
end

-- A new namespace for this process and what it starts, with these links.
local function fresh(links)
	assert(raw.netns())
	local batch = {}
	for name in (links or ""):gmatch "%S+" do
		batch[#batch + 1] = ("link add %s type bridge"):format(name)
	end
	if #batch > 0 then
		sh.write(tmp .. "/links", table.concat(batch, "\n") .. "\n")
		sh.run(("ip -batch %s/links"):format(tmp))
	end
end

-- Runs a command of own or reference on a text → what it printed, exit status.
local function run(command, text, args, errors)
	sh.write(tmp .. "/in.nft", text)
	return sh.try(("unset LD_PRELOAD; cd %s/cases && TZ=UTC-2 LC_ALL=C %s %s"):format(conf.dir,
		command:format(args or "", tmp .. "/in.nft"), errors or ""))
end

local function load(who, text, args)
	local out, code = run(who.load, text, args)
	return code == 0, out, code
end

-- A failure that is more than a refusal that says where.
local function crash(who, code, out)
	if who == own and not itself and (code ~= 1 or not out:find ":%d+:%d+: ") then
		return ("exit status %s, message: %s"):format(code, out)
	end
end

-- What a compiler prints → one text per rule, sets in front, without names and order of elements.
function conf.blocks(out)
	local rules, sets, cur = {}, {}, nil
	for line in out:gmatch "[^\n]+" do
		if line:find "^  %[" then
			if cur then
				cur[#cur + 1] = line:gsub("%s+", " ")
			end
		elseif line:find "^\telement" then
			local list = {}
			for el in (line .. "\t"):gmatch "element%s*(.-)%s*%[end%]" do
				el = el:gsub("%s+", " "):gsub("userdata = {.*}", "")
				if not el:find "^[0 ]+: 1$" then -- nothing lies before the first
					list[#list + 1] = el
				end
			end
			table.sort(list)
			sets[#sets] = sets[#sets] .. ": " .. table.concat(list, ", ")
		elseif line:find "^__" then
			local name, flags = line:gsub(" size %d+$", ""):match "^(__%a+)%d*.- (%x+)$"
			if not name then
				name, flags = line:match "^(__%a+)%%d.- (%x+)"
			end
			if flags and flags ~= "0" then
				sets[#sets + 1] = name .. " " .. flags
			end
		elseif line:find "^%a+ %S+ %S+ *$" or line:find "^%a+ %S+ %S+ %d+" then
			cur = { table.concat(sets, "\n") }
			sets = {}
			rules[#rules + 1] = cur
		end
	end
	for i, lines in ipairs(rules) do
		rules[i] = table.concat(lines, "\n"):gsub("set __%a+%d+", "set __set%%d"):gsub("set __%a+%%d", "set __set%%d")
	end
	return rules
end

-- What is compiled where nothing can be loaded.
local function compiled(who, text, args)
	return conf.blocks((run(who.compile, text, args, "2>/dev/null")))
end

local result = {}
result.__index = result

function result:add(kind, what, degree, note)
	self[#self + 1] = { kind = kind, what = what, degree = degree, note = note }
	return self
end

local function results()
	return setmetatable({}, result)
end

-- A file of headers "# KEY: VALUE", then lines.
local function parts_of(text)
	local head, lines = { setup = {} }, {}
	for line in text:gmatch "[^\n]*" do
		local key, value = line:match "^# (%l+): (.*)$"
		if key == "setup" then
			table.insert(head.setup, value)
		elseif key then
			head[key] = value
		elseif line ~= "" and not line:find "^#" then
			lines[#lines + 1] = line
		end
	end
	return head, lines
end

-- Each { family, name, text of the table, links, lines } of a file, for each family that it names.
local function groups(path)
	local list, out = {}, {}
	if path:find "%.lua$" then
		list = dofile(path)
	else
		local head, lines = parts_of(assert(sh.read(path)))
		list[1] = { family = head.family, chain = head.chain, setup = head.setup, links = head.links, rules = lines }
	end
	for _, g in ipairs(list) do
		for family in g.family:gmatch "%S+" do
			local text = { ("add table %s t"):format(family), ("add chain %s t c %s"):format(family, g.chain and "{ " .. g.chain .. " }" or "") }
			for _, line in ipairs(g.setup or {}) do
				text[#text + 1] = line:gsub("%f[%w]T%f[%W]", family .. " t")
			end
			out[#out + 1] = { family = family, links = g.links, setup = table.concat(text, "\n") .. "\n", rules = g.rules, lenient = g.lenient,
				name = ("%s %s"):format(path:match "[^/]*$", family), from = #text }
		end
	end
	return out
end

local function rule_of(line, who)
	local mine, nfts = line:match "^(.-)%s+// nft: (.*)$"
	return mine and ((who == reference or itself) and nfts or mine) or line
end

-- The rules among index[from..to] on which nft itself crashes are marked as refused.
local function crashing(g, index, from, to, refused)
	local text = { g.setup }
	for k = from, to do
		text[#text + 1] = ("add rule %s t c %s\n"):format(g.family, rule_of(g.rules[index[k]], reference))
	end
	fresh(g.links)
	local _, out = load(reference, table.concat(text))
	if out:find "Aborted" or out:find "Segmentation" then
		local half = (from + to) // 2
		if from == to then
			refused[index[from]] = "nft crashes"
			return true
		end
		local first = crashing(g, index, from, half, refused)
		return crashing(g, index, half + 1, to, refused) or first
	end
	return false
end

-- Loads all rules that are not refused, after their table; → refused = { [i] = message }, canon; or nil, message.
local function load_rules(who, g)
	local refused, message = {}, nil
	for _ = 1, #g.rules + 1 do
		local text, index = { g.setup }, {}
		for i, line in ipairs(g.rules) do
			if not refused[i] then
				text[#text + 1] = ("add rule %s t c %s\n"):format(g.family, rule_of(line, who))
				index[#index + 1] = i
			end
		end
		fresh(g.links)
		local ok, out, code = load(who, table.concat(text))
		if ok then
			return refused, canon.now(), index
		end
		message = crash(who, code, out)
		if message then
			return nil, message
		end
		local found = false
		for line, rest in out:gmatch "in%.nft:(%d+):(%d+[^\n]*)" do
			local i = index[tonumber(line) - g.from]
			if i and not refused[i] then
				refused[i], found = rest, true
				if rest:find "can not be done in chain" or rest:find "Could not process rule" then
					break -- the kernel says this of every rule behind one that does not fit its hook
				end
			end
		end
		if not found and not (g.lenient and who == reference and crashing(g, index, 1, #index, refused)) then
			return nil, out
		end
	end
	return nil, message
end

-- One place's three texts, of another ruleset's place.
local function pick(c, place)
	local out = {}
	for _, degree in ipairs(canon.degrees) do
		out[degree] = { rule = c[degree][place] }
	end
	return out
end

local function count(c, place)
	local n = 0
	while c.code[place .. n + 1] do
		n = n + 1
	end
	return n
end

local function rest(c, place)
	local out = {}
	for _, degree in ipairs(canon.degrees) do
		out[degree] = {}
		for k, v in pairs(c[degree]) do
			if k:sub(1, #place) ~= place then
				out[degree][k] = v
			end
		end
	end
	return out
end

local function first(notes)
	return notes and notes[1]
end

-- A rule that nft refuses: because the kernel has no such expression, then what is compiled counts; or both must.
local function unloaded(res, g, i, nfts, mine)
	local line, text = g.rules[i], g.setup .. ("add rule %s t c "):format(g.family)
	local what = ("%s: %s"):format(g.name, line)
	fresh(g.links)
	local want = compiled(reference, text .. rule_of(line, reference) .. "\n")[1]
	if nfts:find "Could not process rule" and want and want ~= "" then
		local have = compiled(own, text .. rule_of(line, own) .. "\n")[1]
		res:add("compile only", what, have == want and "code" or nil, have ~= want and ("< %s\n> %s"):format(want, have) or nil)
	elseif not g.lenient then
		res:add("refused as by nft", what, mine and "exact" or nil, "nft: " .. nfts)
	end
end

local function listing()
	local out, code = run(own.load, "list ruleset\n")
	return code == 0 and out or nil, "list ruleset: " .. out
end

-- The rules of a file; round: text and back as well.
function conf.rules(path, round)
	local res = results()
	for _, g in ipairs(groups(path)) do
		local nfts, want, at = load_rules(reference, g)
		assert(nfts, g.name .. ": " .. tostring(want))
		local place, number = ("%s t chain c rule "):format(g.family), {}
		for k, i in ipairs(at) do
			number[i] = k
		end
		local mine, have, index = load_rules(own, g)
		if not mine then
			res:add("rules", g.name, nil, have)
		else
			local back
			local lost = 0
			if round then
				local text, why = listing()
				fresh(g.links)
				local ok, out = load(own, text or "")
				back = not text and why or ok and canon.now() or out
			end
			for k, i in ipairs(index) do
				local line = g.rules[i]
				if not number[i] then
					unloaded(res, g, i, nfts[i], nil)
				else
					local degree, notes = canon.compare(pick(want, place .. number[i]), pick(have, place .. k))
					res:add("rules", ("%s: %s"):format(g.name, line), degree, first(notes))
					if type(back) == "table" then
						degree, notes = canon.compare(pick(have, place .. k), pick(back, place .. k - lost))
						if not degree and #index - k > count(back, place) - (k - lost) then
							lost = lost + 1 -- a rule that has no spelling is listed as a comment
						end
						res:add("round trip", ("%s: %s"):format(g.name, line), degree, first(notes))
					end
				end
			end
			if type(back) == "string" then
				res:add("round trip", g.name, nil, back)
			end
			local degree, notes = canon.compare(rest(want, place), rest(have, place))
			res:add("rules", g.name .. ": around the rules", degree, first(notes))
		end
		for i, why in pairs(mine or {}) do
			if nfts[i] then
				unloaded(res, g, i, nfts[i], why)
			else
				res:add("rules", ("%s: %s"):format(g.name, g.rules[i]), nil, "refused: " .. why)
			end
		end
	end
	return res
end

-- What must be refused, with a message and without a change.
function conf.negatives(path)
	local res = results()
	for _, g in ipairs(groups(path)) do
		fresh(g.links)
		assert(load(reference, g.setup), g.name)
		local before = nfdump.generation()
		for _, line in ipairs(g.rules) do
			local text = line:find "^:" and line:sub(2):gsub("\\n", "\n"):gsub("%f[%w]T%f[%W]", g.family .. " t")
				or ("add rule %s t c %s"):format(g.family, line)
			text = text .. "\n"
			local note
			if load(reference, text) then
				note = "nft takes it"
			else
				local ok, out, code = load(own, text)
				note = ok and "taken" or crash(own, code, out)
			end
			local after = nfdump.generation()
			if after ~= before then
				note = (note or "refused") .. ", something was changed"
				before = after
			end
			res:add("negatives", ("%s: %s"):format(g.name, line), not note and "exact" or nil, note)
		end
	end
	return res
end

-- A whole ruleset in steps → its sections { verb, args, text, nft }.
local function sections(text)
	local list = { { verb = "step", args = "", text = {} } }
	for line in text:gmatch "([^\n]*)\n" do
		local verb, args = line:match "^#%-%-%- (%l+)%s*(.*)$"
		if verb == "instead" then -- what nft gets for the same
			list[#list].nft = {}
		elseif verb then
			list[#list + 1] = { verb = verb, args = args, text = {} }
		else
			local s = list[#list]
			table.insert(s.nft or s.text, line)
		end
	end
	for _, s in ipairs(list) do
		s.text = table.concat(s.text, "\n") .. "\n"
		s.nft = s.nft and table.concat(s.nft, "\n") .. "\n" or s.text
	end
	if #list > 1 and not list[1].text:gsub("#[^\n]*", ""):find "%S" then
		table.remove(list, 1)
	end
	return list
end

-- The kernel's content after all sections; or nil and what went wrong.
local function steps(who, list, links)
	fresh(links)
	for i, s in ipairs(list) do
		local text = (who == reference or itself) and s.nft or s.text
		if s.verb == "step" then
			local ok, out = load(who, text, s.args)
			if not ok then
				return nil, ("section %d is refused: %s"):format(i, out)
			end
		elseif s.verb == "refused" then
			local before = canon.now()
			local ok, out, code = load(who, text, s.args)
			if ok then
				return nil, ("section %d is taken"):format(i)
			elseif crash(who, code, out) then
				return nil, ("section %d: %s"):format(i, crash(who, code, out))
			end
			local degree, notes = canon.compare(before, canon.now())
			if degree ~= "exact" then
				return nil, ("section %d is refused and changed something: %s"):format(i, first(notes))
			end
		elseif s.verb ~= "compile" then
			error("no such section: " .. s.verb)
		end
	end
	return canon.now()
end

function conf.case(path)
	local res, name = results(), path:match "[^/]*$"
	local text = assert(sh.read(path))
	local links = text:match "# links: ([^\n]*)"
	local list = sections(text)
	for i, s in ipairs(list) do
		if s.verb == "compile" then
			fresh(links)
			local want, have = compiled(reference, s.nft, s.args), compiled(own, s.text, s.args)
			assert(#want > 0, name .. ": nft compiles nothing")
			for k = 1, math.max(#want, #have) do
				res:add("compile only", ("%s section %d rule %d"):format(name, i, k), want[k] == have[k] and "code" or nil,
					want[k] ~= have[k] and ("< %s\n> %s"):format(want[k], have[k]) or nil)
			end
		end
	end
	local want, why = steps(reference, list, links)
	if not want then
		error(("%s: nft: %s"):format(name, why))
	end
	local have, message = steps(own, list, links)
	if not have then
		return res:add("rulesets", name, nil, message)
	end
	local degree, notes = canon.compare(want, have)
	res:add("rulesets", name, degree, first(notes))
	local shown, unshown = listing()
	for _, who in ipairs { own, reference } do
		fresh(links)
		local ok, out = shown, unshown
		if shown then
			ok, out = load(who, shown)
		end
		degree, notes = nil, { out }
		if ok then
			degree, notes = canon.compare(have, canon.now())
		end
		res:add(who == own and "round trip" or "listing read by nft", name, degree, first(notes))
	end
	return res
end

-- The files of a kind: "cases", "rules", "negative".
function conf.files(kind)
	local out = {}
	for path in sh.run(("find %s/%s -maxdepth 1 -type f | sort"):format(conf.dir, kind)):gmatch "[^\n]+" do
		out[#out + 1] = path
	end
	return out
end

return conf
