# SPDX-License-Identifier: GPL-2.0-or-later
# make [SAN=1] [V=1]    build/rnmd, build/rnm and the loadable module build/lua/rnm/core.so
CC	?= cc
BUILD	?= build$(if $(SAN),/san)
LIBS_PC	 = lua5.4 libmnl libnftnl

CFLAGS	?= -O2 -g
WARN	 = -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
override CPPFLAGS += -Isrc -D_GNU_SOURCE $(shell pkg-config --cflags $(LIBS_PC) 2>/dev/null)
override CFLAGS	+= -std=gnu11 -fPIC -fvisibility=hidden $(WARN)
LDLIBS	 = $(shell pkg-config --libs $(LIBS_PC) 2>/dev/null) -lev -lyaml -lm
ifdef SAN
override CFLAGS	 += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
endif
Q	 = $(if $(V),,@)

MODULES	 = base net nft script config control engine
src_of	 = $(sort $(wildcard src/$(1)/*.c))
obj_of	 = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(call src_of,$(1)))
LIB_OBJ	 = $(foreach m,$(MODULES),$(call obj_of,$(m)))

all: $(BUILD)/rnmd $(BUILD)/rnm $(BUILD)/lua/rnm/core.so

$(BUILD)/rnmd: $(LIB_OBJ) $(call obj_of,rnmd)
$(BUILD)/rnm: $(LIB_OBJ) $(call obj_of,rnm)
$(BUILD)/rnmd $(BUILD)/rnm:
	$(if $(V),,@echo "  LD    $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/lua/rnm/core.so: $(LIB_OBJ) $(call obj_of,testing)
	$(if $(V),,@echo "  LD    $@")
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(BUILD)/obj/%.o: src/%.c
	$(if $(V),,@echo "  CC    $<")
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# one module's objects: make mod-net
mod-%:
	$(Q)$(MAKE) --no-print-directory $(call obj_of,$*)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all clean
