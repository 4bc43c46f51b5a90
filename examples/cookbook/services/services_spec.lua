-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("services", function ()
  local sim
  before_each(function () sim = simulate { packs = { "services.lua" } } end)
  after_each(function () sim:close() end)

  it("is closed to all before a service is known", function ()
    assert.matches('socket cgroupv2 level 2 @services accept\n%s+oifname "vpn0" counter drop\n%s+}', sim:ruleset "inet services output")
    assert.same({}, sim:set "inet services services")
  end)

  it("takes a cgroup that is not there for a service that does not run", function ()
    sim:emit("service", { name = "a.service", cgroup = "/system.slice/there-is-none.service" })
    sim:emit("service", { name = "a.service" })
    sim:emit "service"
    assert.same({}, sim:set "inet services services")
    assert.equal("running", sim:packs().services.state)
    assert.same({}, sim:errors())
  end)
end)
