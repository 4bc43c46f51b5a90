-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta
-- luacheck: ignore
-- The table `net`: queries over the host's network, and arithmetic on addresses. For editors; never run.

---@class net
net = {}

---@class net.link
---@field ifindex integer
---@field name string
---@field kind? string
---@field mtu integer
---@field mac? string
---@field up boolean
---@field carrier boolean
---@field master? string
---@field zone? string

---@class net.addr
---@field iface string
---@field ifindex integer
---@field zone? string
---@field family "ipv4"|"ipv6"
---@field address string
---@field prefixlen integer
---@field network string
---@field scope string
---@field flags table<string, true>
---@field valid_lft integer
---@field preferred_lft integer
---@field peer? string

---@class net.nexthop
---@field gateway? string
---@field iface? string
---@field weight integer

---@class net.route
---@field family "ipv4"|"ipv6"
---@field dst string "default" or CIDR
---@field gateway? string
---@field iface? string
---@field zone? string
---@field table string
---@field metric integer
---@field protocol string
---@field type string
---@field nexthops? net.nexthop[]

---@class net.rule
---@field family "ipv4"|"ipv6"
---@field priority integer
---@field src? string
---@field dst? string
---@field iif? string
---@field oif? string
---@field fwmark? integer
---@field table? string

---@class net.neigh
---@field family "ipv4"|"ipv6"
---@field address string
---@field mac? string
---@field iface string
---@field zone? string
---@field state string
---@field router boolean

---A live value: cheap until used. Reading it (ipairs, #, [i], first) binds the running block or record.
---@class query
---@operator len: integer
---@field [integer] any
local query = {}

---The first record, in record order.
---@return any
function query:first() end

---The records' field, or what a pure function makes of each record; a list makes several values, nil none.
---@param f string|fun(record: table): any
---@return query
function query:map(f) end

---The query with more filters.
---@param filters table<string, filter>
---@return query
function query:where(filters) end

---@alias filter string|integer|boolean|(string|integer)[] a value, a glob "tap*", "!value", or a list of them

---@param filters? table<string, filter>
---@return query
function net.links(filters) end

---@param filters? table<string, filter>
---@return query
function net.addrs(filters) end

---@param filters? table<string, filter>
---@return query
function net.routes(filters) end

---@param filters? table<string, filter>
---@return query
function net.rules(filters) end

---@param filters? table<string, filter>
---@return query
function net.neighs(filters) end

---The link of this name; reads, as a query does.
---@param name string
---@return net.link?
function net.link(name) end

---The zones that the configuration names.
---@return string[]
function net.zones() end

---Whether the address or prefix lies in prefix.
---@param prefix string|nft.value
---@param address string|nft.value|net.addr
---@return boolean? contains
---@return string? message
function net.contains(prefix, address) end

---The index-th subnet of length newlen, from 0.
---@param prefix string|nft.value
---@param newlen integer
---@param index integer
---@return string? subnet
---@return string? message
function net.subnet(prefix, newlen, index) end

---Network bits of prefix, host bits of suffix.
---@param prefix string|nft.value
---@param suffix string
---@return string? address
---@return string? message
function net.host(prefix, suffix) end
