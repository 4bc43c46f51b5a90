-- SPDX-License-Identifier: GPL-2.0-or-later
-- What a simulation shows, and what may be demanded of it.
local tools = require "rnm.testing.tools"

local M = {}

local function must(value, err)
  if value == nil then tools.fail(tostring(err)) end
  return value
end

-- "FAMILY TABLE NAME", or the three of them.
local function joined(...) return select("#", ...) > 0 and table.concat({ ... }, " ") or nil end

---The elements of "FAMILY TABLE SET", in order, as nft prints them. Of a map "KEY : VALUE".
function M:set(...) return must(self.c:set(joined(...))) end

---The map "FAMILY TABLE MAP" as { [key] = value }.
function M:map(...)
  local out = {}
  for _, text in ipairs(must(self.c:set(joined(...)))) do
    local key, value = text:match "^(.-) : (.*)$"
    out[key or text] = value or true
  end
  return out
end

---Whether the set, or the map's keys, have the element, as nft prints it.
function M:has(what, element)
  for _, text in ipairs(must(self.c:set(what))) do
    if text == element or text:sub(1, #element + 1) == element .. " " then return true end
  end
  return false
end

---The ruleset that rnm wants in nft's syntax; of a table or chain only, with "FAMILY TABLE [CHAIN]".
function M:ruleset(...) return must(self.c:ruleset(joined(...))) end

---The chain "FAMILY TABLE CHAIN" in nft's syntax.
function M:chain(...) return must(self.c:ruleset(joined(...))) end

---The rules of "FAMILY TABLE CHAIN", in order.
function M:rules(...)
  local out, what = {}, joined(...) or ""
  if not what:find "^%S+%s+%S+%s+%S+$" then tools.fail('rules: expected "FAMILY TABLE CHAIN", got "%s"', tostring(what)) end
  local inside
  for line in must(self.c:ruleset(what)):gmatch "%s*([^\n]+)" do
    if line:find "^chain " then
      inside = true
    elseif line == "}" then
      inside = false
    elseif inside and not line:find "^type %l+ hook " and not line:find '^comment "' and not line:find "^policy " then
      out[#out + 1] = line
    end
  end
  return out
end

---What would be sent to the kernel now, as text; "" when it has all that is wanted.
function M:plan() return must(self.c:plan()) end

---The last batch, as text; "" when none was sent since start.
function M:last()
  local b = self.batches[#self.batches]
  return b and b.text or ""
end

---From here on sim.batches begins anew.
function M:clear()
  for i = #self.batches, 1, -1 do self.batches[i] = nil end
  return self
end

function M:status() return self.c:status() end
function M:status_json() return self.c:status_json() end
---{ PACK = { state, errors, calls, … } }
function M:packs() return self.c:packs() end
---Whose an address, set, rule or table is. nil, message: nothing of this name.
function M:why(what) return self.c:why(what) end
function M:json(what, max) return self.c:json(what, max) end

-- Log lines, "LEVEL AREA: TEXT"; errors are those of warnings and errors.
function M:_lines(which)
  local all = self.c:log()
  for i = (self.told or 0) + 1, #all do
    self.lines[#self.lines + 1] = all[i]
    if all[i]:find "^error" or all[i]:find "^warn" then self.faults[#self.faults + 1] = all[i] end
  end
  self.told = #all
  return which == "log" and self.lines or self.faults
end

-- ---- demands ----

local function indented(text) return (text:gsub("[^\n]+", "  %0")) end

local function list_text(list)
  if #list == 0 then return "  (nothing)\n" end
  return indented(table.concat(list, "\n")) .. "\n"
end

local function demand(ok, text, ...)
  if not ok then tools.fail(text, ...) end
end

local function difference(want, got)
  local have, out = {}, {}
  for _, x in ipairs(got) do have[x] = true end
  for _, x in ipairs(want) do
    if not have[x] then out[#out + 1] = "- " .. x end
    have[x] = nil
  end
  for _, x in ipairs(got) do if have[x] then out[#out + 1] = "+ " .. x end end
  return out
end

---The set has these elements and no others; a map as { [key] = value }.
function M:assert_set(what, want)
  local list = {}
  if #want == 0 then
    for k, v in tools.sorted(want) do list[#list + 1] = ("%s : %s"):format(k, v) end
  else
    for i, x in ipairs(want) do list[i] = tostring(x) end
  end
  local diff = difference(list, must(self.c:set(what)))
  demand(#diff == 0, "%s is not as expected (- missing, + too much):\n%s", what, list_text(diff))
  return self
end
M.assert_map = M.assert_set

local function has_rule(rules, text)
  for _, rule in ipairs(rules) do if rule:find(text, 1, true) then return true end end
  return false
end

---A rule of "FAMILY TABLE CHAIN" has this text in it.
function M:assert_rule(what, text)
  local rules = self:rules(what)
  demand(has_rule(rules, text), "no rule of %s has %q; they are:\n%s", what, text, list_text(rules))
  return self
end

function M:assert_no_rule(what, text)
  local rules = self:rules(what)
  demand(not has_rule(rules, text), "a rule of %s has %q; they are:\n%s", what, text, list_text(rules))
  return self
end

---The ruleset has this text in it.
function M:assert_ruleset(text)
  local all = self:ruleset()
  demand(all:find(text, 1, true), "the ruleset has no %q; it is:\n%s", text, indented(all))
  return self
end

---So many batches were sent since start, or since clear().
function M:assert_batches(n)
  local out = {}
  for i, b in ipairs(self.batches) do out[i] = ("%d (%s%s):\n%s"):format(i, b.origin or "?", b.event ~= "" and b.event and ": " .. b.event or "", indented(b.text)) end
  demand(#self.batches == n, "%d batches were sent, not %d:\n%s", #self.batches, n, list_text(out))
  return self
end

---The last batch is this text: lines of a plan, in any indentation.
function M:assert_plan(text)
  local function lines(s)
    local out = {}
    for line in s:gmatch "[^\n]+" do
      line = line:match "^%s*(.-)%s*$"
      if line ~= "" then out[#out + 1] = line end
    end
    return out
  end
  local want, got = lines(text), lines(self:last())
  demand(table.concat(want, "\n") == table.concat(got, "\n"), "the last batch is not as expected (- missing, + too much):\n%s",
    list_text(#difference(want, got) > 0 and difference(want, got) or got))
  return self
end

---No warnings and errors were logged, and all packs run.
function M:assert_clean()
  local bad = {}
  for i, line in ipairs(self.errors) do bad[i] = line end
  for name, pack in tools.sorted(self:packs()) do
    if pack.state ~= "running" then bad[#bad + 1] = ("pack %s is %s: %s"):format(name, pack.state, pack.last_error or "?") end
  end
  demand(#bad == 0, "not all is well:\n%s", list_text(bad))
  return self
end

return M
