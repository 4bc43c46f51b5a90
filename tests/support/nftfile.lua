-- SPDX-License-Identifier: GPL-2.0-or-later
-- Whole files in short, for specs of the language.
local file = require("rnm.core").nft_file
local assert = require "luassert"
local M = {}

function M.parse(text, t)
	t = t or {}
	t.text = text
	return file.parse(t)
end

-- One line a command: what it does to what, and what was said of it.
function M.line(c)
	local s = { c.op, c.what == "object" and c.obj or c.what, c.family, c.table, c.name, c.to }
	if c.what == "elements" then
		s[#s + 1] = "{ " .. table.concat(c.elements or { c.error }, ", ") .. " }"
	end
	s[#s + 1] = c.rule or c.object or c.what == "rule" and c.error or nil
	local out = {}
	for i = 1, 9 do
		out[#out + 1] = s[i]
	end
	return table.concat(out, " ")
end

function M.lines(text, t)
	local cmds, errors = M.parse(text, t)
	if not cmds then
		return errors
	end
	local out = {}
	for i, c in ipairs(cmds) do
		out[i] = M.line(c)
	end
	return out
end

function M.one(text, t)
	local cmds, errors = M.parse(text, t)
	assert(cmds, errors)
	assert.equal(1, #cmds)
	return cmds[1]
end

-- The first command of a kind.
function M.of(what, text, t)
	local cmds, errors = M.parse(text, t)
	assert(cmds, errors)
	for _, c in ipairs(cmds) do
		if c.what == what then
			return c
		end
	end
end

function M.message(text, t)
	local cmds, errors, n = M.parse(text, t)
	assert.is_nil(cmds)
	return errors:match "^[^\n]*", n
end

function M.rules(text, t)
	local cmds, errors = M.parse(text, t)
	assert(cmds, errors)
	local out = {}
	for _, c in ipairs(cmds) do
		if c.what == "rule" then
			out[#out + 1] = c.rule or c.error:match "^[^\n]*"
		end
	end
	return out
end

function M.elements(text, t)
	local c = M.of("elements", text, t)
	return c.elements or c.error:match "^[^\n]*"
end

return M
