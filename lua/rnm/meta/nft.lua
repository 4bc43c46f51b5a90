-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta
-- luacheck: ignore
-- The table `nft`: statements of tables, chains, rules, sets, maps, objects and flowtables. For editors; never run.

---@class nft
nft = {}

---@alias nft.family "inet"|"ip"|"ip6"|"arp"|"bridge"|"netdev"

---@class nft.table_spec
---@field adopt? boolean take over a table of this name that somebody else made: what no policy states in it goes
---@field flags? string|string[] "dormant"; "owner": nobody but rnmd can change the table (Linux 6.9)
---@field comment? string

---States a table of this pack's share and gives its handle.
---@param family nft.family
---@param name string
---@param spec? nft.table_spec
---@return nft.table_handle
function nft.table(family, name, spec) end

---@class nft.attach_options
---@field map? boolean it is a map

---Own elements in a set or map that somebody else's ruleset declares. While it is not there they wait; after a flush or
---reload by its owner they come again. Elements of others are left alone, and none but own ones are ever removed. Until
---the set has been there once it has no type, and edits in hooks and messages are refused.
---@param family nft.family
---@param table string
---@param set string
---@param options? nft.attach_options
---@return nft.set_handle
---@overload fun(family: nft.family, table: string, set: string, options: { map: true }): nft.map_handle
function nft.attach(family, table, set, options) end

---A prefix as a value of rules and elements; host bits are cleared.
---@param s string|net.addr "192.0.2.0/24"
---@return nft.value? value
---@return string? message
function nft.prefix(s) end

---A range as a value: both ends belong to it.
---@param a string|integer
---@param b string|integer
---@return nft.value? value
---@return string? message
function nft.range(a, b) end

---A pattern of interface names as a value: "tap*".
---@param s string
---@return nft.value? value
---@return string? message
function nft.glob(s) end

---A legal object name of any text, another one for every other text.
---@param s string
---@return string
function nft.name(s) end

---States whole `table … { }` blocks in nft's syntax, as in /etc/nftables.conf: all of it or nothing. `define` and `include` (from the
---pack's folder and the template folders) work as in nft; each other `$name` takes a value of params, or is a live name: `$ZONE.ipv4`,
---`.ipv6 .net4 .net6 .ifnames`, of a zone or else an interface.
---@param text string
---@param params? table<string, nft.param>
---@return nft.table_handle ... a handle for each table, in order
function nft.load(text, params) end

---The same from a file of the pack's folder, or of a template folder: NAME or NAME.nft.
---@param name string
---@param params? table<string, nft.param>
---@return nft.table_handle ... a handle for each table, in order
function nft.template(name, params) end

---@class nft.value An address range, prefix or pattern that no plain string can be.

---@class nft.handle
---@field name string
---@field table string
---@field family nft.family

---@class nft.table_handle: nft.handle
local table = {}

---@class nft.chain_spec
---@field type? "filter"|"nat"|"route"
---@field hook? string
---@field priority? string|integer
---@field policy? "accept"|"drop"
---@field device? string
---@field devices? string[]|query
---@field comment? string

---States a chain: a base chain with `type`, `hook` and `priority`, else a regular one, or whatever others declare under this name.
---@param name string
---@param spec? nft.chain_spec
---@return nft.chain_handle
function table:chain(name, spec) end

---@class nft.set_spec
---@field type? string "ipv4_addr . inet_service"; of a map "ipv4_addr : verdict"
---@field typeof? string "ip saddr . tcp dport"
---@field flags? string|string[] "interval, timeout"
---@field timeout? duration
---@field gc_interval? duration
---@field size? integer
---@field policy? "performance"|"memory"
---@field auto_merge? boolean
---@field stateful? string statements that each element gets: "counter", "limit rate 10/second"
---@field elements? nft.element[]|query|file|table<string|integer, nft.element>
---@field comment? string

---States a set.
---@param name string
---@param spec? nft.set_spec
---@return nft.set_handle
function table:set(name, spec) end

---States a map; a verdict map with "… : verdict".
---@param name string
---@param spec? nft.set_spec
---@return nft.map_handle
function table:map(name, spec) end

---Each stateful object takes nft's words, in a string or as fields of a table; without a spec it is a handle on what others declare.
---@class nft.object_handle: nft.handle

---@class nft.counter_spec Start values, taken only when the counter is made.
---@field packets? integer
---@field bytes? integer
---@field comment? string

---States a counter: t:counter("c"), t:counter("c", "packets 5 bytes 320").
---@param name string
---@param spec? string|nft.counter_spec
---@return nft.counter_handle
function table:counter(name, spec) end

---@class nft.quota_spec
---@field over? boolean|string|integer true, or the size: "500 mbytes", a number of bytes
---@field ["until"]? boolean|string|integer
---@field bytes? string|integer the size, where neither over nor until gives it
---@field used? string|integer start value, taken only when the quota is made
---@field comment? string

---States a quota: t:quota("q", "over 500 mbytes"). A changed size is updated in place.
---@param name string
---@param spec? string|nft.quota_spec
---@return nft.quota_handle
function table:quota(name, spec) end

---@class nft.limit_spec
---@field rate string "400/minute", "over 10 mbytes/second"
---@field over? boolean
---@field burst? string|integer
---@field comment? string

---States a limit: t:limit("l", "rate 400/minute burst 5 packets").
---@param name string
---@param spec? string|nft.limit_spec
---@return nft.object_handle
function table:limit(name, spec) end

---@class nft.ct_helper_spec
---@field type string "ftp"
---@field protocol "tcp"|"udp"
---@field l3proto? "ip"|"ip6"|"inet"
---@field comment? string

---States a conntrack helper: t:ct_helper("h", 'type "ftp" protocol tcp').
---@param name string
---@param spec? string|nft.ct_helper_spec
---@return nft.object_handle
function table:ct_helper(name, spec) end

---@class nft.ct_timeout_spec
---@field protocol string "tcp", "udp"
---@field l3proto? "ip"|"ip6"|"inet"
---@field policy? table<string, duration> { established = 3600, close = "10s" }
---@field comment? string

---States timeouts of connections: t:ct_timeout("t", "protocol tcp; policy = { established : 100 }").
---@param name string
---@param spec? string|nft.ct_timeout_spec
---@return nft.object_handle
function table:ct_timeout(name, spec) end

---@class nft.ct_expectation_spec
---@field protocol "tcp"|"udp"
---@field dport? integer
---@field timeout? duration
---@field size? integer
---@field l3proto? "ip"|"ip6"|"inet"
---@field comment? string

---States an expected connection: t:ct_expectation("e", "protocol tcp; dport 9876; timeout 2m; size 12").
---@param name string
---@param spec? string|nft.ct_expectation_spec
---@return nft.object_handle
function table:ct_expectation(name, spec) end

---@class nft.synproxy_spec
---@field mss? integer
---@field wscale? integer
---@field timestamp? boolean
---@field sack_perm? boolean
---@field comment? string

---States a SYN proxy: t:synproxy("s", "mss 1460; wscale 7; timestamp sack-perm").
---@param name string
---@param spec? string|nft.synproxy_spec
---@return nft.object_handle
function table:synproxy(name, spec) end

---@class nft.secmark_spec
---@field context string
---@field comment? string

---States a security mark: t:secmark("m", '"system_u:object_r:ssh_server_packet_t:s0"').
---@param name string
---@param spec? string|nft.secmark_spec
---@return nft.object_handle
function table:secmark(name, spec) end

---@class nft.flowtable_spec
---@field hook? "ingress"
---@field priority? string|integer
---@field device? string
---@field devices? string[]|query
---@field flags? string|string[] "offload, counter"
---@field counter? boolean

---States a flowtable; `flow add @name` in a rule hands connections over to it.
---@param name string
---@param spec? nft.flowtable_spec
---@return nft.handle
function table:flowtable(name, spec) end

---@class nft.counter_handle: nft.object_handle
local counter = {}

---What the kernel's counter stands at.
---@return { packets: integer, bytes: integer }? counts
---@return string? message
---@return string? code "ENOENT": it is not in the kernel yet
function counter:read() end

---@class nft.quota_handle: nft.object_handle
local quota = {}

---The kernel's quota: its size, what is used of it, and whether it matches above its size.
---@return { bytes: integer, used: integer, over: boolean }? quota
---@return string? message
---@return string? code "ENOENT": it is not in the kernel yet
function quota:read() end

---@class nft.chain_handle: nft.handle
local chain = {}

---@alias nft.param string|integer|nft.value|nft.handle|query|file|net.link|net.addr|net.route|net.neigh|table

---States one rule in nft's syntax; each `$name` takes a value of params, never text that is parsed.
---@param text string
---@param params? table<string, nft.param>
---@return nft.chain_handle
function chain:rule(text, params) end

---States one rule a line. Empty lines and lines that begin with # are left out; a backslash at the end continues a line.
---@param text string
---@param params? table<string, nft.param>
---@return nft.chain_handle
function chain:rules(text, params) end

---As rule(), but before all packs' rules of the chain.
---@param text string
---@param params? table<string, nft.param>
---@return nft.chain_handle
function chain:insert(text, params) end

---@alias nft.element string|integer|nft.value|nft.handle|net.link|net.addr|net.route|net.neigh|(string|integer)[]

---@class nft.element_options
---@field timeout? duration
---@field comment? string

---@class nft.set_handle: nft.handle
local set = {}

---Adds an element: a statement in the main chunk, blocks and records, an edit elsewhere.
---@param e nft.element
---@param options? nft.element_options
---@return boolean? ok
---@return string? message what is wrong with the value
function set:add(e, options) end

---Takes an element out of this run's statements, or of the pack's edits.
---@param e nft.element
---@return boolean? ok
---@return string? message "held by PACK, file:line" where another layer or pack holds it
function set:del(e) end

---Makes the list, or the query's result as of the commit, all that this run states or the pack's edits hold.
---@param list nft.element[]|query|file
---@return boolean? ok
---@return string? message
function set:replace(list) end

---Whether any layer of any pack holds the element.
---@param e nft.element
---@return boolean? has
---@return string? message
function set:has(e) end

---States that the set is kept equal to a query or list file.
---@param q query|file
---@param field? string|fun(record: table): any
---@return nft.set_handle
function set:follow(q, field) end

---The elements that the kernel holds, those of the packet path too.
---@return string[]? elements
---@return string? message
function set:read() end

---@class nft.map_handle: nft.handle
local map = {}

---@param key nft.element
---@param value nft.element "accept", "goto CHAIN", or a value of the map's data type
---@param options? nft.element_options
---@return boolean? ok
---@return string? message
function map:add(key, value, options) end

---@param key nft.element
---@return boolean? ok
---@return string? message
function map:del(key) end

---@param t table<string|integer, nft.element>
---@return boolean? ok
---@return string? message
function map:replace(t) end

---Whether any layer of any pack holds the key.
---@param key nft.element
---@return boolean? has
---@return string? message
function map:has(key) end

---States that the map is kept equal to keys and values of a query's records.
---@param q query
---@param key string|fun(record: table): any
---@param value string|fun(record: table): any
---@return nft.map_handle
function map:follow(q, key, value) end
