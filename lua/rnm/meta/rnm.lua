-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta
-- luacheck: ignore
-- The table `rnm`: blocks, records, handlers, timers, configuration, state. For editors; never run.

---@class rnm
rnm = {}

---@alias duration number|string seconds, or "1h30m"

---@class handle
local handle = {}

---Ends it, with all that belongs to it.
function handle:cancel() end

---@class block
local block = {}

---Ends the block; its statements go.
function block:cancel() end

---Runs it again before the commit.
function block:refresh() end

---Runs fn after the main chunk, and again whenever something that it read would answer differently. What a run states replaces
---what the run before stated.
---@param fn fun()
---@return block
function rnm.block(fn) end

---Runs fn once for each record of the query, and again when that record, or something that its run read, changes.
---@param query query
---@param fn fun(record: table)
---@return handle
function rnm.each(query, fn) end

---Registers a handler; `event` is the hook's name without `on_`.
---@param event "addr_change"|"lease_change"|"link_change"|"message"|"neigh_change"|"nft_change"|"reload"|"resync"|"route_change"|"rule_change"|"start"|"stop"
---@param filter table<string, filter>
---@param fn fun(ev: event)
---@return handle
---@overload fun(event: string, fn: fun(ev: event)): handle
function rnm.on(event, filter, fn) end

---@param after duration
---@param fn fun()
---@return handle
function rnm.after(after, fn) end

---@param every duration at least 10ms
---@param fn fun()
---@return handle
function rnm.every(every, fn) end

---The pack's `config:` of the YAML over the defaults, which are also the schema; read-only. An empty table takes anything.
---@generic T: table
---@param defaults? T
---@return T
function rnm.config(defaults) end

---A list file, one element a line.
---@class file
---@operator len: integer
---@field [integer] string

---@param path string absolute, or in the pack's folder
---@param options? { comment: string }
---@return file
function rnm.file(path, options) end

---Sends a message to all packs, after the commit.
---@param topic string
---@param data? table<string, string|number|boolean>
function rnm.emit(topic, data) end

---A table that survives reload, replay and restart. Strings, numbers, booleans and tables of them.
---@type table
rnm.state = {}

---@type { name: string, order: integer, path: string }
rnm.pack = {}

rnm.log = {}

---@param ... any
function rnm.log.debug(...) end

---@param ... any
function rnm.log.info(...) end

---@param ... any
function rnm.log.warn(...) end

---@param ... any
function rnm.log.error(...) end
