-- SPDX-License-Identifier: GPL-2.0-or-later
-- Texts kept beside a spec: SPEC.snapshots/NAME. Written where there is none; RNM_UPDATE=1 writes all anew.
local files = require "rnm.core".sim
local tools = require "rnm.testing.tools"

local M = {}

local CONTEXT = 2      -- lines that are the same, around what differs
local CELLS = 4000000  -- of the table of the longest common subsequence; above it: what differs as two blocks

local function split(text)
  local out = {}
  for line in (text:gsub("\n?$", "\n")):gmatch "([^\n]*)\n" do out[#out + 1] = line end
  return out
end

-- Pairs of "sign", line: the least that makes b of a.
local function compare(a, b)
  local n, m, first, out = #a, #b, 1, {}
  while first <= n and first <= m and a[first] == b[first] do first = first + 1 end
  while n >= first and m >= first and a[n] == b[m] do n, m = n - 1, m - 1 end
  for i = 1, first - 1 do out[#out + 1] = { " ", a[i] } end
  local i, j = first, first
  if (n - first + 2) * (m - first + 2) <= CELLS then
    local len = {}
    for x = n + 1, first, -1 do
      len[x] = {}
      for y = m + 1, first, -1 do
        len[x][y] = (x > n or y > m) and 0 or a[x] == b[y] and len[x + 1][y + 1] + 1 or math.max(len[x + 1][y], len[x][y + 1])
      end
    end
    while i <= n and j <= m do
      if a[i] == b[j] then
        out[#out + 1] = { " ", a[i] }
        i, j = i + 1, j + 1
      elseif len[i + 1][j] >= len[i][j + 1] then
        out[#out + 1] = { "-", a[i] }
        i = i + 1
      else
        out[#out + 1] = { "+", b[j] }
        j = j + 1
      end
    end
  end
  for x = i, n do out[#out + 1] = { "-", a[x] } end
  for y = j, m do out[#out + 1] = { "+", b[y] } end
  for x = n + 1, #a do out[#out + 1] = { " ", a[x] } end
  return out
end

-- What differs, with a few lines around it; "" when nothing does.
local function diff(old, new)
  local all, show, out, skipped = compare(split(old), split(new)), {}, {}, false
  for i, d in ipairs(all) do
    if d[1] ~= " " then for k = i - CONTEXT, i + CONTEXT do show[k] = true end end
  end
  for i, d in ipairs(all) do
    if show[i] then
      if skipped then out[#out + 1] = "  …" end
      out[#out + 1] = d[1] .. " " .. d[2]
    end
    skipped = not show[i]
  end
  return next(show) and table.concat(out, "\n") .. "\n" or ""
end
M._diff = diff

---The ruleset (or text) is what was kept under this name.
function M:snapshot(name, text)
  if type(name) ~= "string" or not name:find "^[%w_][%w_. -]*$" then
    tools.fail "snapshot: expected a name of letters, digits, blanks and ._-"
  end
  local dir = self.spec:gsub("%.lua$", "") .. ".snapshots"
  local path = dir .. "/" .. name
  local update = os.getenv "RNM_UPDATE"
  local old = tools.read(path)
  text = text or self:ruleset()
  if not text:find "\n$" then text = text .. "\n" end
  if old == text then return self end
  if old and (not update or update == "" or update == "0") then
    tools.fail("snapshot %s: it is not what %s has (- kept, + now; RNM_UPDATE=1 keeps what is now):\n%s", name, path, diff(old, text))
  end
  assert(files.mkdir(dir))
  tools.write(path, text)
  return self
end

return M
