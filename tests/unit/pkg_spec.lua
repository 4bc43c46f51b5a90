-- SPDX-License-Identifier: GPL-2.0-or-later
-- The files that are installed beside the programs say what the programs do.
local config = require "rnm.core".config

local function slurp(path)
	local f = assert(io.open(path))
	local text = f:read "a"
	f:close()
	return text
end

local function try(command)
	local p = assert(io.popen("unset LD_PRELOAD; ( " .. command .. " ) 2>&1 </dev/null; echo $?"))
	local out, status = p:read "a":match "^(.-)(%d+)\n$"
	p:close()
	return out, tonumber(status)
end

local function has(program)
	return select(2, try("command -v " .. program)) == 0
end

-- The keys that a section knows, as the parser itself tells them.
local function known(prefix, suffix)
	local _, message = config.parse(prefix .. "zzzzzzzzzzzz: 1" .. suffix)
	local keys = {}
	for key in message:match "known here: ([^\n]+)":gmatch "[%w_]+" do
		keys[#keys + 1] = key
	end
	assert.is_true(#keys > 0)
	return keys
end

describe("the installed config.yaml", function()
	local text = slurp "pkg-files/config/config.yaml"
	local examples = {}
	for line in text:gmatch "[^\n]*" do
		if line:find "^#" and not line:find "^# [^ ]" and line ~= "#" then
			line = line:sub(2)
		end
		examples[#examples + 1] = line
	end

	it("is valid as it is, and states nothing", function()
		local c, message = config.parse(text, "config.yaml")
		assert.is_nil(message)
		assert.same({ 0, 0, {} }, { #c.ifaces, #c.packs, c.notes })
	end)

	it("has examples that are valid", function()
		local c, message = config.parse(table.concat(examples, "\n"), "config.yaml")
		assert.is_nil(message)
		assert.equal(3, #c.ifaces)
		assert.equal(2, #c.packs)
		for _, note in ipairs(c.notes) do
			assert.matches("watched only", note)
		end
	end)

	it("shows the defaults", function()
		local c = config.parse(table.concat(examples, "\n"), "config.yaml")
		local default = config.parse ""
		for _, key in ipairs { "coalesce", "max_events", "max_delay_ms", "socket_mode", "log_level", "dirs" } do
			assert.same(default[key], c[key], key)
		end
	end)
end)

describe("rnm.yaml(5)", function()
	it("names every key", function()
		local page = slurp "pkg-files/man/rnm.yaml.5":gsub("\\%-", "-")
		for _, section in ipairs {
			{ "", "" }, { "interfaces: [{ ", " }]" }, { "interfaces: [{ routes: [{ ", " }] }]" }, { "interfaces: [{ rules: [{ ", " }] }]" },
			{ "interfaces: [{ match: { ", " } }]" }, { "policies: { ", " }" }, { "packs: { a: { ", " } }" }, { "commit: { ", " }" },
			{ "table: { ", " }" }, { "limits: { ", " }" }, { "socket: { ", " }" },
		} do
			for _, key in ipairs(known(section[1], section[2])) do
				assert.is_truthy(page:find("%f[%w_]" .. key .. "%f[^%w_]"), section[1] .. key)
			end
		end
	end)

	it("has an example that works", function()
		local example = slurp "pkg-files/man/rnm.yaml.5":match "%.nf\n(.-)%.fi":gsub("\\%-", "-")
		local c, message = config.parse(example)
		assert.is_nil(message)
		assert.equal(2, #c.ifaces)
	end)
end)

describe("the manual and the completion", function()
	it("know rnm's commands", function()
		local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
		local page, completion = slurp "pkg-files/man/rnm.8", slurp "pkg-files/completions/rnm.bash"
		local n = 0
		for name in try(program .. " help"):gmatch "\n  (%l+)" do
			n = n + 1
			assert.is_truthy(page:find("\n%.[BI]+R?I? ?" .. name .. "%f[%W]"), name)
			assert.is_truthy(completion:find("%f[%w]" .. name .. "%f[%W]"), name)
		end
		assert.is_true(n >= 13)
	end)

	it("know the options and words of each command", function()
		if not has "bash" then
			pending "needs bash"
			return
		end
		local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
		local offered = setmetatable({}, { __index = function(all, line)
			all[line] = " " .. try(([[bash -c 'rnm() { :; }; . pkg-files/completions/rnm.bash
				for w in "" -; do COMP_WORDS=(rnm %s "$w"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rnm; echo "${COMPREPLY[@]}"; done']]):format(line))
				:gsub("%s", " ") .. " "
			return all[line]
		end })
		local n = 0
		for name, args in try(program .. " help"):gmatch "\n  (%l+)([^\n]*)" do
			if not args:find "^  " then
				args = args:gsub("  .*", "")
				local line = name == "nft" and "nft load" or name
				for option in args:gmatch "%f[^%s%[|]%-%-?%a[%a%-]*" do
					n = n + 1
					assert.is_truthy(offered[line]:find(" " .. option .. " ", 1, true), name .. " " .. option)
				end
				for word in (name ~= "nft" and args or ""):gmatch "%f[^%s%[|]%l+%f[%s%]|]" do
					n = n + 1
					assert.is_truthy(offered[line]:find(" " .. word .. " ", 1, true), name .. " " .. word)
				end
			end
		end
		assert.is_true(n > 30, n)
	end)

	it("complete what the daemon knows", function()
		if not has "bash" then
			pending "needs bash"
			return
		end
		local function complete(line)
			return (try(([[bash -c 'rnm() { [ "$*" = "-s /x list --names" ] &&
				printf "%%s\n" "table inet t" "set inet t banned: 3 elements" "chain inet t in: 1 rule" "table ip q" "set ip q s: 0 elements"; }
				. pkg-files/completions/rnm.bash; COMP_WORDS=(rnm -s /x %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rnm
				echo "${COMPREPLY[@]}"']]):format(line)):gsub("%s+$", ""))
		end
		assert.equal("banned", complete "why ban")
		assert.equal("in inet", complete "why in")
		assert.equal("t", complete [[why inet t]])
		assert.equal("--json --names banned in", complete [[list --json inet t ""]])
		assert.equal("q", complete [[why --json ip q]])
	end)

	it("know the options of rnm nft", function()
		local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
		local usage = try(program .. " nft")
		local page = slurp "pkg-files/man/rnm.8":gsub("\\%-", "-")
		local completion = slurp "pkg-files/completions/rnm.bash"
		for option in usage:gmatch "%[(%-%a)" do
			assert.is_truthy(page:find("[ " .. option, 1, true), option)
			assert.is_truthy(completion:find("%f[%S\"]" .. option:gsub("%-", "%%-") .. "%f[%A]"), option)
		end
		for command in usage:gmatch "%f[%a](%a+) %[" do
			assert.is_truthy(page:find("nft\\ " .. command, 1, true), command)
		end
	end)

	it("are well formed", function()
		if has "bash" then
			assert.same({ "", 0 }, { try "bash -n pkg-files/completions/rnm.bash" })
			assert.equal("status\n", (try [[bash -c '. pkg-files/completions/rnm.bash; COMP_WORDS=(rnm -s /x st); COMP_CWORD=3; _rnm
				printf "%s\n" "${COMPREPLY[@]}"']]))
			assert.equal("load\n", (try [[bash -c '. pkg-files/completions/rnm.bash; COMP_WORDS=(rnm nft lo); COMP_CWORD=2; _rnm
				printf "%s\n" "${COMPREPLY[@]}"']]))
		end
		if has "groff" then
			for _, page in ipairs { "rnm.8", "rnmd.8", "rnm.yaml.5", "rnm-json.7" } do
				assert.same({ "", 0 }, { try("groff -man -Tutf8 -ww -rLL=100n pkg-files/man/" .. page .. " 2>&1 >/dev/null") }, page)
			end
		end
	end)
end)

describe("the unit", function()
	local unit = slurp "pkg-files/systemd/rnm.service"

	it("starts before the network and restarts a crashed daemon", function()
		for _, line in ipairs { "Type=notify", "Before=network-pre.target shutdown.target", "Wants=network-pre.target",
			"DefaultDependencies=no", "Restart=on-failure", "ExecStart=/usr/sbin/rnmd -c /etc/rnm/config.yaml" } do
			assert.is_truthy(unit:find("\n" .. line .. "\n", 1, true), line)
		end
	end)

	it("is valid", function()
		if not has "systemd-analyze" then
			pending "needs systemd-analyze"
			return
		end
		local dir = try "mktemp -d":gsub("%s+$", "")
		local f = assert(io.open(dir .. "/rnm.service", "w"))
		f:write((unit:gsub("ExecStart=[^\n]*", "ExecStart=/bin/true"):gsub("Documentation=[^\n]*\n", "")))
		f:close()
		local out, status = try("systemd-analyze verify " .. dir .. "/rnm.service")
		os.execute("rm -rf " .. dir)
		assert.equal("", out)
		assert.equal(0, status)
	end)
end)
