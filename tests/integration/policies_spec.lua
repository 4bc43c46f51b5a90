-- SPDX-License-Identifier: GPL-2.0-or-later
-- The policies that come with rnm, in the kernel: with one network here and simulated, rnm leaves the same there as what the
-- simulated kernel holds, so that what their specs say of a simulation is true of a router.
local daemon = require "daemon"
local netns = require "netns"
local rnmd = require "rnmd"
local sh = require "sh"
local simulate = require "rnm.testing".simulate

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local tool = (os.getenv "RNM_BUILD" or "build") .. "/rnm"

-- What both print of the same ruleset: sets keep their elements in an order of their own, tables stand as they were made.
local function plain(text)
	local tables = {}
	text = text:gsub("elements = {(.-)}", function(list)
		local items = {}
		for item in (list:gsub("%s+", " ") .. ","):gmatch "%s*([^,]-)%s*," do
			items[#items + 1] = item:gsub(" expires %w+", "")
		end
		table.sort(items)
		return "elements = {" .. table.concat(items, ", ") .. "}"
	end)
	for t in text:gmatch "(table .-\n}\n)" do
		local parts = {}
		for part in t:gmatch "\t[^\t\n][^\n]*{\n.-\n\t}\n" do parts[#parts + 1] = part end
		table.sort(parts)
		tables[#tables + 1] = t:match "^[^\n]*\n" .. table.concat(parts)
	end
	table.sort(tables)
	return table.concat(tables)
end

-- Steps are { shell command here, the same said to the simulation }.
local policies = {
	wan = {
		links = { wan0 = "wan", lan0 = "lan" },
		config = { server = "192.168.1.10", ports = { 80, 443, 8443 } },
		steps = {
			{ "ip addr add 203.0.113.7/24 dev wan0", function(sim) sim:addr_add("wan0", "203.0.113.7/24") end },
			{ "ip addr add 192.168.1.1/24 dev lan0", function(sim) sim:addr_add("lan0", "192.168.1.1/24") end },
			{ "ip addr replace 203.0.113.99/24 dev wan0; ip addr del 203.0.113.7/24 dev wan0; ip addr replace 203.0.113.99/24 dev wan0",
				function(sim) sim:addr_add("wan0", "203.0.113.99/24") sim:addr_del("wan0", "203.0.113.7") end },
		},
		last = { "ip daddr @wan4 tcp dport { 80, 443, 8443 } counter", "203.0.113.99" },
	},
	taps = {
		links = {},
		steps = {
			{ "ip tuntap add tap7 mode tap; ip link set tap7 address 02:00:00:00:00:07",
				function(sim) sim:link_add("tap7", { kind = "tun", mac = "02:00:00:00:00:07", up = false }) end },
			{ "ip tuntap add tap8 mode tap; ip link set tap8 address 02:00:00:00:00:08",
				function(sim) sim:link_add("tap8", { kind = "tun", mac = "02:00:00:00:00:08", up = false }) end },
			{ "ip link del tap7", function(sim) sim:link_del "tap7" end },
			{ "ip link set tap8 address 02:00:00:00:00:88", function(sim) sim:link_set("tap8", { mac = "02:00:00:00:00:88" }) end },
		},
		last = { "ether saddr != 02:00:00:00:00:88", '"tap8" : goto vm-tap8' },
	},
	multiwan = {
		links = { wan1 = "wan", wan2 = "wan" },
		steps = {
			{ "ip link set wan1-peer down", function(sim) sim:link_carrier("wan1", false) end },
			{ "ip link set wan1-peer up; ip link set wan2-peer down", function(sim) sim:link_carrier("wan1") sim:link_carrier("wan2", false) end },
			{ "ip link set wan2-peer up", function(sim) sim:link_carrier "wan2" end },
		},
		last = { "numgen inc mod 2 map { 0 : 0x00000001, 1 : 0x00000002 }" },
	},
	lists = {
		links = {},
		list = "198.51.100.0/24 # a network\n203.0.113.5\n",
		steps = {
			{ "@list 203.0.113.6\n203.0.113.8-203.0.113.12\n", function(sim) sim:write_file("/var/lib/lists/drop.txt", "203.0.113.6\n203.0.113.8-203.0.113.12\n") end },
			{ "@emit ban address=192.0.2.1 time=10m", function(sim) sim:emit("ban", { address = "192.0.2.1", time = "10m" }) end },
		},
		last = { "192.0.2.1 timeout 10m", "203.0.113.8-203.0.113.12" },
	},
	hole6 = {
		links = { lan0 = "lan" },
		steps = {
			{ "ip addr add 2001:db8:1::1/64 dev lan0 nodad", function(sim) sim:addr_add("lan0", "2001:db8:1::1/64") end },
			{ "ip addr add 2001:db8:2::1/64 dev lan0 nodad; ip addr del 2001:db8:1::1/64 dev lan0",
				function(sim) sim:addr_add("lan0", "2001:db8:2::1/64") sim:addr_del("lan0", "2001:db8:1::1/64") end },
		},
		last = { "ip6 daddr 2001:db8:2::10 tcp dport 443 accept" },
	},
	zones = {
		links = { wan0 = "wan", lan0 = "lan" },
		config = { zones = { lan = { "ssh", "dns" }, wan = { "https" } }, admins = { "198.51.100.0/24", "2001:db8::1" }, log = true },
		globs = { ["tap*"] = "lan" },
		steps = {
			{ "ip tuntap add tap7 mode tap", function(sim) sim:link_add("tap7", { kind = "tun", up = false }) end },
			{ "ip link del lan0", function(sim) sim:link_del "lan0" end },
		},
		last = { '"tap7" : jump zone-lan', 'limit rate 10/minute log prefix "zones drop: "' },
	},
}

local function yaml(v)
	if type(v) ~= "table" then return type(v) == "string" and ("%q"):format(v) or tostring(v) end
	local out = {}
	for k, x in pairs(v) do out[#out + 1] = (#v > 0 and "" or k .. ": ") .. yaml(x) end
	return #v > 0 and "[" .. table.concat(out, ", ") .. "]" or "{" .. table.concat(out, ", ") .. "}"
end

describe("the policy that comes with rnm,", function()
	after_each(rnmd.clean)

	for name, p in pairs(policies) do
		it(name .. ", leaves in the kernel what its specs say", function()
			local ns = netns.new()
			local links = {}
			ns:run "for i in all default; do echo 2 >/proc/sys/net/ipv6/conf/$i/addr_gen_mode 2>&- || :; echo 1 >/proc/sys/net/ipv6/conf/$i/addr_gen_mode; done"
			local ifaces = {}
			for link, zone in pairs(p.links) do
				ns:veth(link, link .. "-peer")
				links[link] = { zone = zone }
				ifaces[#ifaces + 1] = { name = link, nftables_zone = zone }
			end
			for glob, zone in pairs(p.globs or {}) do ifaces[#ifaces + 1] = { name = glob, nftables_zone = zone } end
			local text = assert(sh.read(here .. "/../../policies/" .. name .. ".lua"))
			local file = "/var/lib/lists/drop.txt"
			local dir = sh.tempdir()
			local pack = { config = p.config }
			if p.list then
				sh.write(dir .. "/drop.txt", p.list)
				text = text:gsub(file:gsub("%p", "%%%0"), dir .. "/drop.txt")
				pack.files = { dir .. "/drop.txt" }
			end
			local config = #ifaces > 0 and "interfaces: " .. yaml(ifaces) .. "\n" or ""
			if next(pack) then config = config .. "packs: { " .. name .. ": " .. yaml(pack) .. " }\n" end
			local d = daemon.start(ns, { packs = { [name .. ".lua"] = text }, config = config })
			local sim <close> = simulate { packs = { name }, links = links, zones = p.globs, config = p.config and { [name] = p.config },
				files = p.list and { [name] = { file } }, lists = p.list and { [file] = p.list } }
			local function compare(step)
				local want, got = plain(sim:kernel()), ""
				for _ = 1, 200 do                -- a list file is looked at when the kernel tells of it
					rnmd.settle(d)
					got = plain(ns:run(tool .. " nft list ruleset"))
					if got == want then break end
					sh.sleep(0.01)
				end
				assert.equal(want, got, step)
			end
			compare "start"
			for i, step in ipairs(p.steps) do
				local list, emit = step[1]:match "^@list (.*)$", step[1]:match "^@(emit .*)$"
				if list then
					sh.write(dir .. "/new", list)
					os.rename(dir .. "/new", dir .. "/drop.txt")
				elseif emit then
					d:cmd(emit)
				else
					ns:run(step[1])
				end
				step[2](sim)
				compare("step " .. i)
			end
			for _, words in ipairs(p.last) do assert.matches(words, ns:run "nft list ruleset", 1, true) end
			sh.run("rm -r " .. dir)
			rnmd.stop(d)
		end)
	end
end)
