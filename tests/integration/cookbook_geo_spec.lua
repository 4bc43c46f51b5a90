-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/geo: long lists, small changes, bad downloads.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

-- `make torture` takes the size that the page speaks of.
local N = os.getenv "RNM_TORTURE" and 100000 or 10000

describe("lists of networks", function()
	local client, host, d, service, dir

	-- Prefixes that do not touch each other.
	local function prefixes(from, to)
		local out = {}
		for i = from, to do out[#out + 1] = ("%d.%d.%d.0/25"):format(20 + (i >> 16), i >> 8 & 255, i & 255) end
		return table.concat(out, "\n") .. "\n"
	end
	local function put(name, text)
		sh.write(("%s/%s.new"):format(dir, name), text)
		sh.run(("chmod 644 %s/%s.new && mv %s/%s.new %s/%s.txt"):format(dir, name, dir, name, dir, name))
	end
	-- Whether the kernel has it: asked without reading the set.
	local function has(set, element)
		return select(2, host:try(("${RNM_BUILD:-build}/rnm nft get element inet geo %s '{ %s }'"):format(set, element))) == 0
	end
	-- What the daemon tells of its commits while fn runs, once `done` holds.
	local function told(fn, done)
		local m = sh.spawn(("%senv -u LD_PRELOAD ${RNM_BUILD:-build}/rnm -s %s monitor"):format(host:enter(), d.socket))
		local function seen()
			local chain = "probe" .. #m:output()
			d:cmd(("eval nft.table('inet', 'probe'):chain('%s')"):format(chain))
			return chain
		end
		sh.eventually(function()
			seen()
			return m:output():find "add chain inet probe"
		end)
		local last = #m:output()
		fn()
		sh.eventually(done, 20 * rnmd.slow)
		local chain = seen()
		sh.eventually(function() return m:output():find("add chain inet probe " .. chain, last, true) end)
		local text = m:output():sub(last + 1)
		m:stop()
		return text:match "^(.*)commit"
	end

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		client:run "ip addr add 192.0.2.77/24 dev eth0"
		service = lab.serve(host, 8443)
		dir = sh.tempdir()
		put("block4", prefixes(1, N))
		put("allow4", "192.0.2.0/26\n")
		put("allow6", "")
		put("block6", "")
		local files = {}
		for _, n in ipairs { "allow4", "allow6", "block4", "block6" } do files[#files + 1] = ("%s/%s.txt"):format(dir, n) end
		d = lab.cookbook(host, "geo", ("packs: { geo: { config: { folder: %s }, files: [%s] } }"):format(dir, table.concat(files, ", ")))
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		sh.run("rm -r " .. dir)
		rnmd.clean()
	end)

	local function open(from) lab.connect(client, "192.0.2.2", 8443, ",bind=192.0.2." .. from) end
	local function shut(from) lab.shut(client, "192.0.2.2", 8443, ",bind=192.0.2." .. from) end

	it("let those in who are on one", function()
		assert.is_true(has("block4", "20.0.1.5"))
		open(1)
		shut(77)
	end)

	it("are sent by their differences", function()
		local last = ("%d.%d.%d.1"):format(20 + (N + 10 >> 16), N + 10 >> 8 & 255, N + 10 & 255)
		local text = told(function() put("block4", prefixes(11, N + 10)) end, function() return has("block4", last) end)
		local _, commits = text:gsub("commit ", "")
		local _, added = text:gsub("/25[, ]", "")
		assert.equal(1, commits, text)
		assert.equal(20, added, text)
		assert.is_false(has("block4", "20.0.10.5"))
	end)

	it("stay when a download is bad, and change when it is good", function()
		local function fetch(answer, least)
			local p = lab.script(d, "geo", "fetch-list.sh", ("https://lists.invalid/x %s/allow4.txt %d"):format(dir, least or 1),
				{ background = true, stubs = { curl = 'while [ "$1" != -o ]; do shift; done; ' .. answer } })
			sh.eventually(function() return p:status() end)
			return p:stop()
		end
		for _, answer in ipairs { "exit 22", "echo '<html>502 Bad Gateway</html>' >$2", ": >$2", "printf '192.0.2.0/26\\nevil; drop\\n' >$2" } do
			local status, message = fetch(answer)
			assert.not_equal(0, status, answer .. message)
		end
		assert.not_equal(0, (fetch("echo 10.0.0.0/8 >$2", 100)))
		rnmd.settle(d)
		open(1)
		assert.same({ 0, "" }, { fetch "printf '192.0.2.64/26 # theirs\\n' >$2" })
		sh.eventually(function() return has("allow4", "192.0.2.77") end)
		open(77)
		shut(1)
	end)
end)
