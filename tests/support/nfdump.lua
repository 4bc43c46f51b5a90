-- SPDX-License-Identifier: GPL-2.0-or-later
-- What nf_tables holds in this process' network namespace, as Lua tables, straight from netlink: for specs that compare what
-- two programs left there. The attributes of each object are listed below in the kernel's order; what is not known comes out
-- as bytes under its number, so that nothing goes unnoticed.
local raw = require "rnm.core".raw

local dump = {}

local SUBSYS, REQUEST, DUMP = 10, 1, 0x300
local GET = { table = 1, chain = 4, rule = 7, set = 10, elem = 13, gen = 16, object = 19, flowtable = 23 }
dump.families = { [1] = "inet", [2] = "ip", [3] = "arp", [5] = "netdev", [7] = "bridge", [10] = "ip6" }

local function attr(type, s)
	return string.pack("=I2I2", 5 + #s, type) .. s .. "\0" .. ("\0"):rep(-(5 + #s) % 4)
end

-- Each attribute of a payload: number, bytes.
local function attrs(s)
	local pos = 1
	return function()
		if pos + 3 > #s then
			return nil
		end
		local len, type = string.unpack("=I2I2", s, pos)
		assert(len >= 4 and pos + len - 1 <= #s, "an attribute is longer than what it is in")
		local from = pos + 4
		pos = pos + (len + 3) // 4 * 4
		return type & 0x3fff, s:sub(from, from + len - 5)
	end
end

local read = {}

function read.int(s)
	return string.unpack(">I" .. #s, s)
end

function read.signed(s)
	return string.unpack(">i" .. #s, s)
end

function read.str(s)
	return (s:gsub("%z.*", ""))
end

function read.hex(s)
	return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function fields(schema, s)
	local t = {}
	for type, bytes in attrs(s) do
		local name, kind = (schema[type] or "?" .. type .. "=hex"):match "^([^=]+)=?(.*)$"
		if name ~= "pad" then
			t[name] = read[kind == "" and "int" or kind](bytes)
		end
	end
	return t
end

-- "a b=str c" → { "a", "b=str", "c" }: what stands at n is attribute n.
local function schema(text)
	local t = {}
	for word in text:gmatch "%S+" do
		t[#t + 1] = word
	end
	return t
end

local verdict = schema "code=signed chain=str id"
local data = schema "value=hex verdict=verdict"

function read.verdict(s)
	return fields(verdict, s)
end

function read.data(s)
	return fields(data, s)
end

local exprs = {
	bitwise = "sreg dreg len mask=data xor=data op data=data sreg2",
	byteorder = "sreg dreg op len size",
	cmp = "sreg op data=data",
	connlimit = "count flags",
	counter = "bytes packets pad",
	ct = "dreg key direction sreg",
	dup = "sreg_addr sreg_dev",
	dynset = "set=str set_id op sreg_key sreg_data timeout one=one pad flags exprs=list",
	exthdr = "dreg type offset len flags op sreg",
	fib = "dreg result flags",
	flow_offload = "flowtable=str",
	fwd = "sreg_dev sreg_addr nfproto",
	hash = "sreg dreg len modulus seed offset type",
	immediate = "dreg data=data",
	last = "set msecs pad",
	limit = "rate unit burst type flags pad",
	log = "group prefix=str snaplen qthreshold level flags",
	lookup = "set=str sreg dreg set_id flags",
	masq = "flags reg_proto_min reg_proto_max",
	match = "name=str rev info=hex",
	meta = "dreg key sreg",
	nat = "type family reg_addr_min reg_addr_max reg_proto_min reg_proto_max flags",
	notrack = "",
	numgen = "dreg modulus type offset",
	objref = "type name=str sreg set=str set_id",
	osf = "dreg ttl flags",
	payload = "dreg base offset len sreg csum_type csum_offset csum_flags",
	queue = "num total flags sreg_qnum",
	quota = "bytes flags pad consumed",
	range = "sreg op from=data to=data",
	redir = "reg_proto_min reg_proto_max flags",
	reject = "type code",
	rt = "dreg key",
	socket = "key dreg level",
	synproxy = "mss wscale flags",
	target = "name=str rev info=hex",
	tproxy = "family reg_addr reg_port",
	tunnel = "key dreg mode",
	xfrm = "dreg key dir spnum",
}
for name, text in pairs(exprs) do
	exprs[name] = schema(text)
end

function read.one(s)
	local name, body = nil, ""
	for type, bytes in attrs(s) do
		if type == 1 then
			name = read.str(bytes)
		elseif type == 2 then
			body = bytes
		end
	end
	local t = fields(exprs[name] or {}, body)
	t.expr = name
	return t
end

function read.list(s)
	local t = {}
	for _, bytes in attrs(s) do
		t[#t + 1] = read.one(bytes)
	end
	return t
end

function read.devices(s)
	local t = {}
	for _, bytes in attrs(s) do
		t[#t + 1] = read.str(bytes)
	end
	table.sort(t)
	return t
end

local hook = schema "hook priority=signed device=str devices=devices"

function read.hook(s)
	return fields(hook, s)
end

local flow_hook = schema "hook priority=signed devices=devices"

function read.flow_hook(s)
	return fields(flow_hook, s)
end

function read.parts(s)
	local t = {}
	for _, bytes in attrs(s) do
		t[#t + 1] = fields({ "len" }, bytes).len
	end
	return t
end

local desc = schema "size parts=parts"

function read.desc(s)
	return fields(desc, s)
end

local objects = {
	"counter", "quota", schema "name=str l3proto l4proto", "limit", "connlimit", {}, schema "l3proto l4proto states=numbers",
	schema "ctx=str", schema "l3proto l4proto dport timeout size", "synproxy",
}

function read.numbers(s)
	local t = {}
	for type, bytes in attrs(s) do
		t[type] = read.int(bytes)
	end
	return t
end

local kinds = {
	table = schema "name=str flags use handle pad userdata=hex owner",
	chain = schema "table=str handle name=str hook=hook policy use type=str counters=hex pad flags id userdata=hex",
	rule = schema "table=str chain=str handle exprs=list compat=hex position userdata=hex pad id position_id chain_id",
	set = schema [[table=str name=str flags key_type key_len data_type data_len policy desc=desc id timeout gc_interval
		userdata=hex pad obj_type handle expr=one exprs=list backend=str count]],
	elem = schema [[key=data data=data flags timeout expiration userdata=hex expr=one pad objref=str key_end=data exprs=list]],
	object = schema "table=str name=str type body=hex use handle pad userdata=hex",
	flowtable = schema "table=str name=str hook=flow_hook use handle pad flags",
}

local function ask(what, family, body, flags)
	local msg = string.pack(">I1I1I2", family, 0, 0) .. (body or "")
	local header = string.pack("=I4I2I2I4I4", 16 + #msg, SUBSYS << 8 | GET[what], REQUEST | flags, 1, 0)
	local answers, message, code
	repeat -- a dump that was disturbed
		answers, message, code = raw.ask(header .. msg)
	until answers or code ~= 4
	return answers, message, code
end

local function list(what, family, body)
	local out = {}
	for i, s in ipairs(assert(ask(what, family, body, DUMP))) do
		out[i] = fields(kinds[what], s:sub(5))
		out[i].family = dump.families[s:byte(1)]
		out[i].number = s:byte(1)
	end
	return out
end

local function body_of(o, bytes)
	local s = objects[o.type]
	return s and fields(type(s) == "string" and exprs[s] or s, bytes)
end

-- The number of the ruleset's generation: another one says that something was committed.
function dump.generation()
	local answers = assert(ask("gen", 0, "", 4)) -- with an acknowledgement, which ends the answer
	return fields({ "id" }, answers[1]:sub(5)).id
end

-- Everything: { tables, chains, rules, sets, objects, flowtables }, each a list in the kernel's order; a set has its elements.
function dump.ruleset()
	local r = { tables = list("table", 0), chains = list("chain", 0), rules = list("rule", 0), sets = list("set", 0),
		objects = list("object", 0), flowtables = {} }
	for _, s in ipairs(r.sets) do
		s.elements = {}
		for _, answer in ipairs(assert(ask("elem", s.number, attr(1, s.table) .. attr(2, s.name), DUMP))) do
			for type, bytes in attrs(answer:sub(5)) do
				if type == 3 then
					for _, el in attrs(bytes) do
						s.elements[#s.elements + 1] = fields(kinds.elem, el)
					end
				end
			end
		end
	end
	for _, o in ipairs(r.objects) do
		local bytes = o.body:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)
		o.body = body_of(o, bytes) or o.body
	end
	local flow = ask("flowtable", 0, "", DUMP) -- kernels without flowtables refuse the question
	for i, s in ipairs(flow or {}) do
		r.flowtables[i] = fields(kinds.flowtable, s:sub(5))
		r.flowtables[i].family = dump.families[s:byte(1)]
	end
	return r
end

return dump
