-- SPDX-License-Identifier: GPL-2.0-or-later
-- A terminal with a program in it: keys go in, and what stands on the screen can be waited for and read.
local core = require "rnm.core"

local M = {}
local Terminal = {}
Terminal.__index = Terminal

local wide = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xff00, 0xff60 }, { 0x1f300, 0x1faff } }

local function width(code)
  if code >= 0x300 and code <= 0x36f then return 0 end
  for _, range in ipairs(wide) do
    if code >= range[1] and code <= range[2] then return 2 end
  end
  return 1
end

function M.start(argv, options)
  options = options or {}
  local self = setmetatable({ rows = options.rows or 24, columns = options.columns or 80, screen = {}, row = 1, column = 1, raw = "", rest = "" }, Terminal)
  local env = { TERM = "xterm", LC_ALL = "C.UTF-8", NO_COLOR = options.colours and "" or "1" }
  for k, v in pairs(options.env or {}) do env[k] = v end
  self.pty = core.pty.spawn(argv, self.rows, self.columns, env)
  return self
end

function Terminal:_line(row)
  self.screen[row] = self.screen[row] or {}
  return self.screen[row]
end

function Terminal:_newline()
  self.row = self.row + 1
  if self.row > self.rows then
    table.remove(self.screen, 1)
    self.screen[self.rows] = {}
    self.row = self.rows
  end
end

function Terminal:_control(args, final)
  local n = tonumber(args:match "^%d+") or 1
  if final == "A" then self.row = math.max(1, self.row - n)
  elseif final == "C" then self.column = math.min(self.columns, self.column + n)
  elseif final == "H" then self.row, self.column = 1, 1
  elseif final == "K" then
    for c = self.column, self.columns do self:_line(self.row)[c] = nil end
  elseif final == "J" then
    if args == "2" then self.screen = {} return end
    for c = self.column, self.columns do self:_line(self.row)[c] = nil end
    for r = self.row + 1, self.rows do self.screen[r] = nil end
  end
end

function Terminal:_put(text)
  text = self.rest .. text
  local at = 1
  while at <= #text do
    local args, final, after = text:match("^\27%[([%d;?]*)(%a)()", at)
    if after then
      self:_control(args, final)
      at = after
    elseif text:find("^\27", at) then
      if #text - at < 16 then break end
      error "an escape sequence that this terminal does not know"
    elseif text:sub(at, at) == "\r" then
      self.column, at = 1, at + 1
    elseif text:sub(at, at) == "\n" then
      self:_newline()
      at = at + 1
    elseif text:sub(at, at) == "\t" then
      self.column, at = math.min(self.columns, (self.column + 7) // 8 * 8 + 1), at + 1
    elseif text:find("^%c", at) then
      at = at + 1
    else
      local char = text:match("^" .. utf8.charpattern, at)
      if not utf8.len(char) then break end
      local w = width(utf8.codepoint(char))
      if self.column + w - 1 > self.columns then self.column = 1 self:_newline() end
      local line = self:_line(self.row)
      if w == 0 then
        line[self.column - 1] = (line[self.column - 1] or "") .. char
      else
        line[self.column] = char
        if w == 2 then line[self.column + 1] = "" end
        self.column = self.column + w
      end
      at = at + #char
    end
  end
  self.rest = text:sub(at)
end

-- What stands on the screen, without the empty rest.
function Terminal:text()
  local lines = {}
  for r = 1, self.rows do
    local line = {}
    for c = 1, self.columns do line[c] = (self.screen[r] or {})[c] or " " end
    lines[r] = table.concat(line):gsub("%s+$", "")
  end
  return (table.concat(lines, "\n"):gsub("\n+$", ""))
end

function Terminal:_read(ms)
  local text = self.pty:read(ms)
  if not text then return false end
  self.raw = self.raw .. text
  self:_put(text)
  return true, text ~= ""
end

function Terminal:_until(what, there)
  local tries = 0
  while not there(self:text()) do
    local alive, some = self:_read(100)
    tries = some and tries or tries + 1
    if not alive or tries > 100 then error(("expected: %s\non the screen:\n%s"):format(what, self:text()), 3) end
  end
  return self
end

-- Until the screen ends in this plain text. Raises with what stood there after ten seconds in which nothing came.
function Terminal:wait(last)
  return self:_until(last, function (text) return text:sub(-#last) == last end)
end

-- Until the pattern is somewhere on the screen.
function Terminal:shows(pattern)
  return self:_until(pattern, function (text) return text:find(pattern) end)
end

function Terminal:type(keys)
  self.pty:write(keys)
  return self
end

-- One key, and until the screen has answered it.
function Terminal:press(key)
  local before = #self.raw
  self.pty:write(key)
  return self:_until(key, function () return #self.raw > before end)
end

-- The terminal goes away.
function Terminal:stop() return self.pty:close() end

function Terminal:resize(rows, columns)
  self.rows, self.columns = rows, columns
  self.pty:resize(rows, columns)
  return self
end

-- Of a program that ends: reads what is left; the exit status.
function Terminal:close()
  for _ = 1, 100 do
    if not self:_read(50) then break end
  end
  return self.pty:close()
end

return M
