-- SPDX-License-Identifier: GPL-2.0-or-later
-- Small things for rnm.testing.
local M = {}

-- A list that may be called for itself.
M.list = { __call = function (self) return self end }

-- pairs() in the order of the keys; nil has none.
function M.sorted(t)
  local keys, i = {}, 0
  for k in pairs(t or {}) do keys[#keys + 1] = k end
  table.sort(keys, function (a, b) return tostring(a) < tostring(b) end)
  return function ()
    i = i + 1
    if keys[i] ~= nil then return keys[i], t[keys[i]] end
  end
end

function M.merged(a, b)
  local out = {}
  for k, v in pairs(a or {}) do out[k] = v end
  for k, v in pairs(b or {}) do out[k] = v end
  return out
end

function M.contains(list, item)
  for _, x in ipairs(list) do if x == item then return true end end
  return false
end

local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

-- ", did you mean 'x'?" or nothing.
function M.near(word, list)
  local best, least
  word = tostring(word)
  for _, x in ipairs(list) do
    local d = distance(word, x)
    if d <= math.max(1, #word // 3) and (not least or d < least) then best, least = x, d end
  end
  return best and ", did you mean '" .. best .. "'?" or ""
end

-- JSON is YAML as well, and quotes everything that needs it.
local function quote(s)
  return '"' .. s:gsub('[%c"\\\127]', function (c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

function M.yaml(v)
  if type(v) == "string" then return quote(v) end
  if type(v) ~= "table" then return tostring(v) end
  local out = {}
  if #v > 0 or next(v) == nil then
    for i, item in ipairs(v) do out[i] = M.yaml(item) end
    return "[" .. table.concat(out, ", ") .. "]"
  end
  for k, item in M.sorted(v) do out[#out + 1] = quote(tostring(k)) .. ": " .. M.yaml(item) end
  return "{" .. table.concat(out, ", ") .. "}"
end

function M.write(path, text)
  local f, err = io.open(path, "w")
  if not f then M.fail(err) end
  f:write(text)
  f:close()
end

function M.read(path)
  local f = io.open(path, "r")
  if not f then return nil end
  local text = f:read "a"
  f:close()
  return text
end

-- Of the call from outside of rnm.testing: the file, and its level for the function that asks.
function M.caller()
  for level = 2, 30 do
    local info = debug.getinfo(level, "S")
    if not info then break end
    local path = info.source:match "^@(.*)$"
    if path and not path:find "rnm/testing[./][%w/]*%.?lua$" then return path, level - 1 end
  end
  return "./spec", 1
end

-- An error at the spec's line.
function M.fail(text, ...)
  local _, level = M.caller()
  error("rnm.testing: " .. (select("#", ...) > 0 and text:format(...) or text), level)
end

-- Seconds since 1970, or "2026-01-31 08:00[:00]" of the local time.
function M.time(at)
  if type(at) == "number" then return at end
  local y, m, d, h, min, s = tostring(at):match "^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):?(%d*)$"
  if not y then M.fail(tostring(at) .. ' is no time: seconds since 1970, or "2026-01-31 08:00"') end
  return os.time { year = y, month = m, day = d, hour = h, min = min, sec = s ~= "" and s or 0 }
end

return M
