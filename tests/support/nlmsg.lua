-- SPDX-License-Identifier: GPL-2.0-or-later
-- Builds rtnetlink messages byte by byte, as the kernel sends them.
local nlmsg = {}

nlmsg.NEWLINK, nlmsg.DELLINK = 16, 17
nlmsg.NEWADDR, nlmsg.DELADDR = 20, 21
nlmsg.NEWROUTE, nlmsg.DELROUTE = 24, 25
nlmsg.NEWNEIGH, nlmsg.DELNEIGH = 28, 29
nlmsg.NEWRULE, nlmsg.DELRULE = 32, 33
nlmsg.INET, nlmsg.INET6, nlmsg.BRIDGE = 2, 10, 7

local function pad(s)
	return s .. ("\0"):rep(-#s % 4)
end

-- One attribute; len lies about its length where a test wants that.
function nlmsg.attr(type, payload, len)
	return pad(string.pack("=I2I2", len or 4 + #payload, type) .. payload)
end

function nlmsg.u32(type, v)
	return nlmsg.attr(type, string.pack("=I4", v))
end

function nlmsg.u8(type, v)
	return nlmsg.attr(type, string.pack("=I1", v))
end

function nlmsg.str(type, s)
	return nlmsg.attr(type, s .. "\0")
end

function nlmsg.ip(type, text)
	return nlmsg.attr(type, nlmsg.bytes(text))
end

-- "192.0.2.1", or IPv6 as 32 hexadecimal digits, or a MAC address.
function nlmsg.bytes(text)
	if text:find "%." then
		return (text:gsub("(%d+)%.?", function(d) return string.char(tonumber(d)) end))
	end
	return (text:gsub(":", ""):gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

function nlmsg.msg(type, body, flags, len)
	return string.pack("=I4I2I2I4I4", len or 16 + #body, type, flags or 0, 1, 0) .. body
end

-- ifinfomsg
function nlmsg.link(type, o, attrs)
	return nlmsg.msg(type, string.pack("=I1I1I2i4I4I4", o.family or 0, 0, o.type or 1, o.index or 2, o.flags or 0x11043, 0)
		.. attrs)
end

-- ifaddrmsg
function nlmsg.addr(type, o, attrs)
	return nlmsg.msg(type, string.pack("=I1I1I1I1I4", o.family or 2, o.len or 24, o.flags or 0x80, o.scope or 0, o.index or 2)
		.. attrs)
end

-- rtmsg
function nlmsg.route(type, o, attrs)
	return nlmsg.msg(type, string.pack("=I1I1I1I1I1I1I1I1I4", o.family or 2, o.len or 0, o.src_len or 0, o.tos or 0,
		o.table or 254, o.protocol or 4, o.scope or 0, o.type or 1, o.flags or 0) .. attrs, o.nlflags)
end

-- rtnexthop
function nlmsg.nexthop(o, attrs)
	return string.pack("=I2I1I1i4", o.rlen or 8 + #attrs, o.flags or 0, o.hops or 0, o.index or 2) .. attrs
end

-- fib_rule_hdr
function nlmsg.rule(type, o, attrs)
	return nlmsg.msg(type, string.pack("=I1I1I1I1I1I1I1I1I4", o.family or 2, o.dst_len or 0, o.src_len or 0, 0,
		o.table or 254, 0, 0, o.action or 1, o.flags or 0) .. attrs)
end

-- ndmsg
function nlmsg.neigh(type, o, attrs)
	return nlmsg.msg(type, string.pack("=I1I1I2i4I2I1I1", o.family or 2, 0, 0, o.index or 2, o.state or 2, o.flags or 0,
		o.type or 1) .. attrs)
end

return nlmsg
