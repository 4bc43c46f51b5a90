-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta
-- luacheck: ignore
-- Events and the global functions that hear of them. For editors; never run.

---@class event
---@field name string
---@field seq integer
---@field time number seconds since 1970
---@field initial? true an object that was there already; as a filter it only chooses calls, as `action` does

---@alias action "add"|"change"|"del"

---@class event.lifecycle: event
---@field reason string "start", "reload", "replay"; "enable" or "release" where rnm packs loads the pack; …

---@class event.link: event
---@field action action
---@field link net.link
---@field changed? table<string, any> field → old value; false: it had none

---@class event.addr: event, net.addr It is an add when the address can be used, and a change with flags.dadfailed when its detection fails.
---@field action action
---@field changed? table<string, any>

---@class event.route: event, net.route
---@field action action
---@field changed? table<string, any>

---@class event.rule: event, net.rule
---@field action action
---@field changed? table<string, any>

---@class event.neigh: event, net.neigh
---@field action action
---@field changed? table<string, any>

---@class event.message: event
---@field topic string
---@field data table<string, string>

---@param ev event.lifecycle
function on_start(ev) end

---@param ev event.lifecycle
function on_reload(ev) end

---@param ev event.lifecycle
function on_resync(ev) end

---@param ev event.lifecycle
function on_stop(ev) end

---@param ev event.link
function on_link_change(ev) end

---@param ev event.addr
function on_addr_change(ev) end

---@param ev event.route
function on_route_change(ev) end

---@param ev event.rule
function on_rule_change(ev) end

---@param ev event.neigh
function on_neigh_change(ev) end

---@param ev event.message
function on_message(ev) end

---Never called by this version.
---@param ev event
function on_lease_change(ev) end

---Somebody else changed what rnm owns. It is put right in the same transaction (unless the configuration says `drift: warn`).
---@class event.nft: event
---@field pid? integer
---@field process string its name, at most 16 bytes of any kind; "unknown" after an overrun
---@field generation? integer nil after an overrun
---@field changes event.nft.change[] at most 256; empty after an overrun

---@class event.nft.change
---@field action "add"|"del"
---@field kind string "table", "chain", "rule", "set", "element", "flowtable", "counter", …
---@field family string
---@field table string
---@field object? string name of the chain, set or object
---@field count integer how often in a row

---@param ev event.nft
function on_nft_change(ev) end
