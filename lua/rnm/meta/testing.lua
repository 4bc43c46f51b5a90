-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta
-- luacheck: ignore
-- require "rnm.testing": specs of policies, over a simulated network. For editors; never run.

---@class testing
local testing = {}

---@class testing.link Fields of net.link, and:
---@field zone? string
---@field ifindex? integer
---@field kind? string "bridge"
---@field mtu? integer
---@field mac? string
---@field up? boolean
---@field carrier? boolean
---@field master? string name of a link
---@field addrs? string[] "192.0.2.1/24": of the start's links

---@class testing.addr Fields of net.addr; each flag may be a field of its own: { tentative = true }
---@field iface? string
---@field address? string "192.0.2.1/24"
---@field scope? string
---@field flags? table<string, true>|string[]
---@field valid_lft? integer
---@field preferred_lft? integer
---@field peer? string

---@class testing.route Fields of net.route
---@field dst? string "default" (which is said by saying nothing) or CIDR
---@field iface? string also as `link` or `dev`
---@field gateway? string also as `via`
---@field family? "ipv4"|"ipv6"
---@field table? string|integer
---@field metric? integer
---@field protocol? string|integer
---@field type? string
---@field nexthops? { gateway?: string, iface?: string, weight?: integer }[]

---@class testing.rule Fields of net.rule
---@field family? "ipv4"|"ipv6"
---@field priority? integer
---@field src? string
---@field dst? string
---@field iif? string
---@field oif? string
---@field fwmark? integer
---@field table? string|integer

---@class testing.neigh Fields of net.neigh
---@field iface? string
---@field address? string
---@field mac? string
---@field state? string
---@field router? boolean

---@class testing.options
---@field packs? table<string|integer, string|table<string, string>> files or names of packs (beside the spec, in policies there, in the folders above, of rnm); or NAME = source, NAME = { ["init.lua"] = source, … }
---@field links? table<string, testing.link>|string[]
---@field addrs? table<string, string|string[]> of links, by name
---@field routes? testing.route[]
---@field rules? testing.rule[]
---@field neighs? testing.neigh[]
---@field zones? table<string, string|string[]> link name or glob = zone, or zone = { links and globs }
---@field config? table<string, table> of packs, by name
---@field files? table<string, string[]> list files that a pack may read, by pack
---@field trusted? table<string, boolean> packs that get the whole of Lua
---@field lists? table<string, string> content of list files, by path
---@field templates? string|table<string, string> a folder beside the spec, or NAME = text
---@field limits? table
---@field yaml? string more of the configuration
---@field state? string a folder for rnm.state: what is in it outlives the simulation
---@field time? number|string the time at start, "2026-01-31 08:00"
---@field nft? string what others have in nf_tables before rnm starts, in nft's language
---@field dir? string where packs are looked for first
---@field before? fun(sim: testing.simulation) before rnm starts

---A network, and rnm started over it. `local sim <close> = simulate {}` ends it by itself.
---@param options? testing.options
---@return testing.simulation
function testing.simulate(options) end

---@class testing.batch
---@field text string the plan in nft's syntax, an operation a line, with + - ~ ! in front
---@field origin string "event", "timer", "message", "reload", "eval", …
---@field event string what it was for

---@class testing.simulation
---@field batches testing.batch[] those that were sent since start, or since clear()
---@field start_batch string what the start sent
---@field log string[] all log lines, "LEVEL AREA: TEXT"; sim:log() as well
---@field errors string[] the warnings and errors of them; sim:errors() as well
local simulation = {}

---@param name string
---@param fields? testing.link
---@return testing.simulation
function simulation:link_add(name, fields) end

---Some fields of it change, and nothing else happens; { name = … } renames it.
---@param name string
---@param fields testing.link
---@return testing.simulation
function simulation:link_set(name, fields) end

---As link_set().
---@param name string
---@param fields testing.link
---@return testing.simulation
function simulation:link_change(name, fields) end

---@param name string
---@param to string
---@return testing.simulation
function simulation:link_rename(name, to) end

---@param name string
---@return testing.simulation
function simulation:link_up(name) end

---An administrator sets it down, and what follows from that: IPv4 routes over the link go without a word, its IPv6 addresses, IPv6 routes and neighbours are told to
---go, its IPv4 addresses stay.
---@param name string
---@return testing.simulation
function simulation:link_down(name) end

---@param name string
---@param on? boolean false: the cable is pulled
---@return testing.simulation
function simulation:link_carrier(name, on) end

---The link goes, and all that stands on it.
---@param name string
---@return testing.simulation
function simulation:link_del(name) end

---addr_add("eth0", "192.0.2.1/24", { … }), or one table with iface and address in it. An address that is there already changes.
---@param link string|testing.addr
---@param address? string
---@param fields? testing.addr
---@return testing.simulation
function simulation:addr_add(link, address, fields) end

---Some fields of an address change.
---@param link string|testing.addr
---@param address? string
---@param fields? testing.addr
---@return testing.simulation
function simulation:addr_set(link, address, fields) end

---As addr_set().
---@param link string|testing.addr
---@param address? string
---@param fields? testing.addr
---@return testing.simulation
function simulation:addr_change(link, address, fields) end

---@param link string|testing.addr
---@param address? string its prefix length may be left out
---@param fields? testing.addr
---@return testing.simulation
function simulation:addr_del(link, address, fields) end

---All addresses of the link go, in one transaction.
---@param link string
---@return testing.simulation
function simulation:addr_flush(link) end

---route_add("default", { via = "192.0.2.254", dev = "eth0" }), route_add("eth0", "10.0.0.0/8"), or one table with dst in it.
---@param dst string|testing.route
---@param fields? testing.route|string
---@return testing.simulation
function simulation:route_add(dst, fields) end

---Some fields change of the route that is meant by the others.
---@param dst string|testing.route
---@param fields? testing.route
---@return testing.simulation
function simulation:route_set(dst, fields) end

---As route_set().
---@param dst string|testing.route
---@param fields? testing.route
---@return testing.simulation
function simulation:route_change(dst, fields) end

---The first route goes that has these fields.
---@param dst string|testing.route
---@param fields? testing.route
---@return testing.simulation
function simulation:route_del(dst, fields) end

---@param fields testing.rule
---@return testing.simulation
function simulation:rule_add(fields) end

---The rule with these fields gets the new ones: it goes and another one comes.
---@param fields testing.rule
---@param new testing.rule
---@return testing.simulation
function simulation:rule_set(fields, new) end

---As rule_set().
---@param fields testing.rule
---@param new testing.rule
---@return testing.simulation
function simulation:rule_change(fields, new) end

---@param fields testing.rule
---@return testing.simulation
function simulation:rule_del(fields) end

---neigh_add("eth0", "192.0.2.9", "02:00:00:00:00:09"), or with a table of fields, or one table with all of it.
---@param link string|testing.neigh
---@param address? string
---@param fields? string|testing.neigh
---@return testing.simulation
function simulation:neigh_add(link, address, fields) end

---Some fields of a neighbour change.
---@param link string|testing.neigh
---@param address? string
---@param fields? string|testing.neigh
---@return testing.simulation
function simulation:neigh_set(link, address, fields) end

---As neigh_set().
---@param link string|testing.neigh
---@param address? string
---@param fields? string|testing.neigh
---@return testing.simulation
function simulation:neigh_change(link, address, fields) end

---@param link string|testing.neigh
---@param address? string
---@param fields? testing.neigh
---@return testing.simulation
function simulation:neigh_del(link, address, fields) end

---All that fn does to the network arrives at once: one transaction, one batch.
---@param fn fun(sim: testing.simulation)
---@return testing.simulation
function simulation:backlog(fn) end

---As backlog().
---@param fn fun(sim: testing.simulation)
---@return testing.simulation
function simulation:batch(fn) end

---As backlog().
---@param fn fun(sim: testing.simulation)
---@return testing.simulation
function simulation:transaction(fn) end

---What fn does to the network rnm does not hear of, until resync().
---@param fn fun(sim: testing.simulation)
---@return testing.simulation
function simulation:missed(fn) end

---rnm's socket ran over: what fn does is missed, then the network is read anew, and on_resync runs.
---@param fn? fun(sim: testing.simulation)
---@param reason? string
---@return testing.simulation
function simulation:resync(fn, reason) end

---As resync(), of one kind of records, which are the list from now on.
---@param kind "link"|"addr"|"route"|"rule"|"neigh"
---@param records table[]
---@param reason? string
---@return testing.simulation
function simulation:dump(kind, records, reason) end

---Time passes: what is due in it runs, in its order.
---@param duration duration
---@return testing.simulation
function simulation:advance(duration) end

---What time it is, in seconds since 1970; with an argument it is that time now.
---@param at? number|string "2026-01-31 08:00"
---@return number
function simulation:time(at) end

---As `rnm emit`.
---@param topic string
---@param data? table<string, string|number|boolean>
---@return integer handlers that ran
function simulation:emit(topic, data) end

---The content of a list file. Of an absolute path the simulation has a file of its own; others are in the folder of packs.
---@param path string
---@param text string
---@return testing.simulation
function simulation:write_file(path, text) end

---@param path string
---@return testing.simulation
function simulation:remove_file(path) end

---A file was changed by the spec itself.
---@param path string
---@return boolean known a pack reads it
function simulation:file_changed(path) end

---As `rnm reload`, with other options where they are given.
---@param options? testing.options
---@return boolean? ok
---@return string? message why the old state stays
function simulation:reload(options) end

---rnm ends and begins anew, over the same network and the same kernel; rnm.state is kept. What the start sends is sim.start_batch,
---and among sim.batches.
---@param options? testing.options|{ kill?: boolean } kill: it ends without a word
---@return testing.simulation
function simulation:restart(options) end

---Commands of nft's language by another process, which rnm may hear of: "flush ruleset", "delete element inet t s { 192.0.2.1 }",
---a table of somebody else.
---@param text string
---@param by? { pid?: integer, process?: string }
---@return string output of list commands
function simulation:nft(text, by) end

---What the kernel has, in nft's syntax: all of it, or a table.
---@param what? string "FAMILY TABLE"
---@return string
function simulation:kernel(what) end

---@class testing.eval_options
---@field pack? string
---@field dry_run? boolean
---@field read_only? boolean whatever would change something is an error
---@field colours? boolean values as a terminal shows them
---@field who? integer a number for each operator (1)
---@field note? string what lists show of it, in place of the code

---As `rnm eval`.
---@param code string
---@param pack? string|testing.eval_options
---@param how? boolean|testing.eval_options true: a dry run
---@return string? output the values, one a line; of a dry run the plan as well
---@return string? message
function simulation:eval(code, pack, how) end

---As `:undo` at the prompt of `rnm eval`.
---@param what? integer|string how many of the operator's own (1), "#ID" or "all"
---@param who? integer
---@return string? output what was undone, and what could not be
---@return string? message
function simulation:undo(what, who) end

---What TAB offers at the prompt of `rnm eval`.
---@param text string what stands before the cursor
---@param pack? string
---@return string[] words
---@return integer from the offset in text that they begin at
---@return integer more so many are left out
function simulation:complete(text, pack) end

---What evals left that can be taken back, the oldest first; `text` is it as nft commands.
---@return { id: integer, pack: string, note: string, who: integer, text: string }[]
function simulation:evals() end

---on_stop runs.
---@param reason? string
---@return testing.simulation
function simulation:stop(reason) end

---From now on the kernel refuses operations whose line of the plan has this text in it; nil: none any more.
---@param text? string
---@return testing.simulation
function simulation:refuse(text) end

---Ends it, and removes its files.
function simulation:close() end

---The elements of "FAMILY TABLE SET", in order, as nft prints them; of a map "KEY : VALUE". The three names may be three arguments
---here, as in the following.
---@param what string
---@return string[]
function simulation:set(what) end

---@param what string "FAMILY TABLE MAP"
---@return table<string, string>
function simulation:map(what) end

---@param what string "FAMILY TABLE SET"
---@param element string as nft prints it
---@return boolean
function simulation:has(what, element) end

---The ruleset in nft's syntax, or the table or chain of it.
---@param what? string "FAMILY TABLE [CHAIN]"
---@return string
function simulation:ruleset(what) end

---@param what string "FAMILY TABLE CHAIN"
---@return string
function simulation:chain(what) end

---The rules of a chain, in order.
---@param what string "FAMILY TABLE CHAIN"
---@return string[]
function simulation:rules(what) end

---What would be sent now; "" when the kernel has all that is wanted.
---@return string
function simulation:plan() end

---The last batch; "" when none was sent since start.
---@return string
function simulation:last() end

---sim.batches begins anew.
---@return testing.simulation
function simulation:clear() end

---As `rnm status`.
---@return string
function simulation:status() end

---@return string
function simulation:status_json() end

---@return table<string, { state: "running"|"degraded"|"failed", last_error?: string, errors: integer, calls: integer, hooks: integer, blocks: integer, timers: integer, statements: integer, order: integer, hook_names: string }>
function simulation:packs() end

---As `rnm why`.
---@param what string
---@return string? text
---@return string? message nothing of this name
function simulation:why(what) end

---As `rnm list --json`.
---@param what? string
---@param max? integer bytes
---@return string? json
---@return string? message
function simulation:json(what, max) end

---The set has these elements and no others; each demand fails with what is there instead.
---@param what string "FAMILY TABLE SET"
---@param elements string[]|table<string|integer, string>
---@return testing.simulation
function simulation:assert_set(what, elements) end

---@param what string "FAMILY TABLE MAP"
---@param elements table<string|integer, string>
---@return testing.simulation
function simulation:assert_map(what, elements) end

---A rule of the chain has the text in it.
---@param what string "FAMILY TABLE CHAIN"
---@param text string
---@return testing.simulation
function simulation:assert_rule(what, text) end

---@param what string "FAMILY TABLE CHAIN"
---@param text string
---@return testing.simulation
function simulation:assert_no_rule(what, text) end

---The ruleset has the text in it.
---@param text string
---@return testing.simulation
function simulation:assert_ruleset(text) end

---So many batches were sent since start, or since clear().
---@param n integer
---@return testing.simulation
function simulation:assert_batches(n) end

---The last batch, line by line, whatever the indentation.
---@param text string
---@return testing.simulation
function simulation:assert_plan(text) end

---No warnings and no errors were logged, and all packs run.
---@return testing.simulation
function simulation:assert_clean() end

---The ruleset (or text) is what is kept in SPEC.snapshots/NAME beside the spec: written where there is none, and with
---`rnm test --update` (RNM_UPDATE=1) anew.
---@param name string
---@param text? string
---@return testing.simulation
function simulation:snapshot(name, text) end
