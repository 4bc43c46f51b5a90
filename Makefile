# SPDX-License-Identifier: GPL-2.0-or-later
# make [SAN=1] [V=1]                 build/rnmd, build/rnm and the loadable module build/lua/rnm/core.so
# make check | demo | bench          test, show, measure; as root they install what is missing first
# make conformance [ORACLE=DIR]      the nft language, held against the nft that is installed; also reference corpora
# make torture [RNM_SEED=n]          100,000 random transactions over foreign changes and restarts, 1,000 random policies,
#                                    1,000 kills of rnmd, 10,000 reloads: hours. It begins with a seed, by which it can be
#                                    had again. RNM_STEPS=, RNM_SEEDS=, RNM_KILLS=, RNM_RELOADS= make it more or less
# make lint | fuzz [FUZZ_TIME=s] | clean
# make install [DESTDIR=] [PREFIX=]
CC	?= cc
BUILD	?= build$(if $(SAN),/san)
PREFIX	?= /usr
VERSION	 = 0.1.0
LIBS_PC	 = lua5.4 libmnl libnftnl

CFLAGS	?= -O2 -g
WARN	 = -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
override CPPFLAGS += -Isrc -D_GNU_SOURCE $(shell pkg-config --cflags $(LIBS_PC) 2>/dev/null)
override CPPFLAGS += -DRNM_DATADIR=\"$(PREFIX)/share/rnm\" -DRNM_VERSION=\"$(VERSION)\"
override CFLAGS	+= -std=gnu11 -fPIC -fno-plt -fvisibility=hidden $(WARN)
LDLIBS	 = $(shell pkg-config --libs $(LIBS_PC) 2>/dev/null) -lev -lyaml -lm
ifdef SAN
override CFLAGS	 += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Its own copy of libubsan, as a shared one beside libasan does not take log_path.
override LDFLAGS += -fsanitize=address,undefined -static-libubsan -Wl,--exclude-libs,libubsan.a
endif
Q	 = $(if $(V),,@)
say	 = $(if $(V),,@echo "  $(1)")
again	 = +$(Q)$(MAKE) --no-print-directory

MODULES	 = base net nft script config control engine
src_of	 = $(sort $(wildcard src/$(1)/*.c))
obj_of	 = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(call src_of,$(1)))
LIB_OBJ	 = $(foreach m,$(MODULES),$(call obj_of,$(m)))

all: $(BUILD)/rnmd $(BUILD)/rnm $(BUILD)/lua/rnm/core.so

$(BUILD)/rnmd: $(LIB_OBJ) $(call obj_of,rnmd)
$(BUILD)/rnm: $(LIB_OBJ) $(call obj_of,rnm)
$(BUILD)/rnmd $(BUILD)/rnm:
	$(call say,LD    $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/lua/rnm/core.so: $(LIB_OBJ) $(call obj_of,testing)
	$(call say,LD    $@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	$(call say,CC    $<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The texts of help() are part of the program.
$(BUILD)/obj/script/help_text.o: $(wildcard lua/rnm/meta/*.lua)

# Other flags, or another PREFIX: all objects again.
FLAGS	 = $(CC) $(CPPFLAGS) $(CFLAGS)
$(BUILD)/flags: $(if $(subst x$(FLAGS)x,,x$(file <$(BUILD)/flags)x),force)
	$(Q)mkdir -p $(@D) && echo '$(FLAGS)' >$@

# one module's objects: make mod-net
mod-%:
	$(again) $(call obj_of,$*)

# deps runs before make asks pkg-config for anything, hence the second make.
check demo bench conformance torture: %: deps-%
	$(again) -j$(shell nproc) all $(if $(filter check,$@),san) $(if $(filter bench,$@),$(BENCH))
	$(Q)RNM_BUILD=$(BUILD) $(run-$@)
run-check = tests/run.sh
run-torture = RNM_TORTURE=1 RNM_STEPS=$(or $(RNM_STEPS),100000) RNM_KILLS=$(or $(RNM_KILLS),1000) \
	RNM_SEEDS=$(or $(RNM_SEEDS),1000) tests/run.sh tests/unit/ruleset_property_spec.lua tests/unit/sim_random_spec.lua \
	tests/integration/ruleset_kernel_spec.lua tests/integration/rnmd_kill_spec.lua \
	tests/integration/cookbook_geo_spec.lua tests/integration/cookbook_anycast_spec.lua tests/torture
run-demo  = examples/demo/run.sh
run-bench = tests/bench/run.sh
run-conformance = tests/conformance/run.sh $(ORACLE)
# A folder of reference corpora: see tests/conformance/README.md.
ORACLE	 ?= $(wildcard ../shared/oracle)

san:
	$(again) SAN=1 BUILD=$(BUILD)/san all replay

# The fuzz targets as programs that only read their corpora: tests/integration/fuzz_spec.lua.
FUZZ	 = $(wildcard tests/fuzz/fuzz_*.c)
replay: $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/replay/%,$(FUZZ))
$(BUILD)/replay/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(LIB_OBJ)
	$(call say,LD    $@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

deps: deps-all
deps-%:
	$(Q)pkg-files/deps.sh $*

BENCH	 = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/%: tests/bench/%.c tests/bench/bench.h $(BUILD)/flags
	$(call say,CC    $<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(filter %.c %.o,$^) -lmnl $(bench-$*)
bench-nftlib = -lnftables
bench-load = $(LDLIBS)
$(BUILD)/bench/load: $(LIB_OBJ)

# Each tests/fuzz/fuzz_NAME.c for FUZZ_TIME seconds, beginning with its corpus; an input of 10 seconds or of 1 GiB is a fault.
FUZZ_TIME ?= 60
fuzz: deps-fuzz
	$(again) -j$(shell nproc) BUILD=build/fuzz CC=clang \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' fuzz-run
fuzz-run: $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(FUZZ))
	$(Q)for f in $^; do mkdir -p $$f.corpus && \
		$$f -max_total_time=$(FUZZ_TIME) -timeout=10 -rss_limit_mb=1024 $$f.corpus \
			tests/fuzz/corpus/*$${f##*/fuzz_} || exit 1; done
build/fuzz/%: tests/fuzz/%.c $(LIB_OBJ)
	$(call say,LD    $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

lint:
	$(Q)tests/lint.sh

# to(FOLDER,NAME,FILE): one file below PREFIX
to	 = $(Q)install -D -m $(if $(filter %bin,$(1)),755,644) $(3) $(DESTDIR)$(PREFIX)/$(1)/$(2)
UNIT	 = $(DESTDIR)$(PREFIX)/lib/systemd/system/rnm.service
install: all
	$(call to,sbin,rnmd,$(BUILD)/rnmd)
	$(call to,bin,rnm,$(BUILD)/rnm)
	$(Q)for f in $$(find lua policies -type f -not -name '*_spec.lua'); do \
		install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/rnm/$$f || exit 1; done
	$(call to,share/rnm/lua/rnm,core.so,$(BUILD)/lua/rnm/core.so)
	$(call to,lib/systemd/system,rnm.service,pkg-files/systemd/rnm.service)
	$(Q)sed -i 's|/usr/sbin/|$(PREFIX)/sbin/|' $(UNIT)
	$(call to,lib/sysusers.d,rnm.conf,pkg-files/systemd/rnm.sysusers)
	$(call to,lib/tmpfiles.d,rnm.conf,pkg-files/systemd/rnm.tmpfiles)
	$(call to,share/bash-completion/completions,rnm,pkg-files/completions/rnm.bash)
	$(Q)for f in rnm.8 rnmd.8 rnm.yaml.5 rnm-json.7; do \
		install -D -m 644 pkg-files/man/$$f $(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$$f || exit 1; done
	$(Q)cd examples && for f in $$(find README.md guide cookbook -type f -not -name '*_spec.lua'); do \
		install -D -p -m $$(test -x $$f && echo 755 || echo 644) $$f $(DESTDIR)$(PREFIX)/share/doc/rnm/examples/$$f || exit 1; done
	$(Q)install -d -m 755 $(DESTDIR)/etc/rnm $(DESTDIR)/etc/rnm/policies.d
	$(Q)test -e $(DESTDIR)/etc/rnm/config.yaml || install -m 600 pkg-files/config/config.yaml $(DESTDIR)/etc/rnm/config.yaml

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all check demo bench conformance torture san replay deps fuzz fuzz-run lint install clean force
