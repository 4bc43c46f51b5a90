-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/containers: the script hears events, and packets follow. The container runtime is played by a script.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("containers", function()
	local host, web, db, other, services, d, watcher

	-- What the runtime says there is: one "ROLE ADDRESS …" a line, in place before the event is.
	local function running(lines)
		sh.write(d.dir .. "/running", lines)
		sh.run(("echo event >%s/events"):format(d.dir))
	end

	setup(function()
		host, web, db, other = lab.host(), lab.host(), lab.host(), lab.host()
		lab.router(host)
		for i, ns in ipairs { web, db, other } do
			lab.wire(host, "c" .. i, ("172.18.%d.1/24"):format(i), ns, "eth0", ("172.18.%d.2/24"):format(i))
			ns:run(("ip route add default via 172.18.%d.1"):format(i))
		end
		services = { lab.serve(db, 5432), lab.serve(db, 80) }
		d = lab.cookbook(host, "containers", "packs: { containers: { config: { networks: [172.18.0.0/16], allow: [{ from: web, to: db, port: 5432 }] } } }")
		sh.run(("mkfifo %s/events && : >%s/running"):format(d.dir, d.dir))
		watcher = lab.script(d, "containers", "containers.sh", "", { background = true, stubs = { docker = ([[
case $1 in
ps) grep -n . %s/running | cut -d: -f1 ;;
inspect) cat %s/running ;;
events) exec cat %s/events ;;
esac]]):gsub("%%s", d.dir) } })
	end)

	teardown(function()
		watcher:stop "KILL"
		for _, p in ipairs(services) do p:stop() end
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function open(from, port) lab.connect(from, "172.18.2.2", port) end
	local function shut(from, port) lab.shut(from, "172.18.2.2", port) end
	local function holds(role, what)
		local want = table.concat(what, " ")
		sh.eventually(function()
			return table.concat(require "nft".set(host, "inet containers role-" .. role), " ") == want
		end, 10, want)
	end

	it("reach nobody before they are known", function()
		shut(web, 5432)
	end)

	it("reach what their role may, and nothing else", function()
		running "web 172.18.1.2 \ndb 172.18.2.2 \n 172.18.3.2 \nEVIL;role 172.18.3.2 \n"
		holds("db", { "172.18.2.2" })
		open(web, 5432)
		shut(web, 80)
		shut(other, 5432)
	end)

	it("lose it when they die, also when an event was missed", function()
		sh.write(d.dir .. "/running", "other 172.18.3.2\n") -- nobody was told
		running "web 172.18.3.2 \ndb 172.18.2.2 \n"
		holds("web", { "172.18.3.2" })
		shut(web, 5432)
		open(other, 5432)
		running ""
		holds("web", {})
		shut(other, 5432)
	end)
end)
