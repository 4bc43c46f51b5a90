/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files datatype*.c share and nobody else needs. */
#pragma once

#include "nft/datatype.h"

extern const struct datatype datatypes[]; /* in order of id; datatype_tab.c */
extern const unsigned datatype_count;

/* Big-endian bytes ↔ kernel form, of datatype_bytes(bits) bytes. */
void datatype_put_big(const struct datatype *t, unsigned bits, const uint8_t *big, uint8_t *out);
void datatype_get_big(const struct datatype *t, unsigned bits, const uint8_t *p, uint8_t *big);

/* datatype_fmt.c: types whose notation is no plain number */
typedef int dt_parse(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e);
typedef void dt_print(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out);
dt_parse dt_parse_string, dt_parse_lladdr, dt_parse_ipv4, dt_parse_ipv6, dt_parse_time, dt_parse_classid,
	dt_parse_ifindex;
dt_parse dt_parse_date, dt_parse_hour, dt_parse_cgroup, dt_parse_label, dt_parse_verdict;
dt_print dt_print_string, dt_print_lladdr, dt_print_ipv4, dt_print_ipv6, dt_print_time, dt_print_classid,
	dt_print_ifindex;
dt_print dt_print_date, dt_print_hour, dt_print_label;

/* datatype_sys.c: names that the system's files give to numbers */
typedef bool dt_name_value(const char *name, uint64_t *value);
typedef const char *dt_value_name(uint64_t value);
dt_name_value sys_service, sys_protocol, sys_user, sys_group, sys_mark, sys_realm, sys_devgroup, sys_label;
dt_value_name sys_mark_name, sys_realm_name, sys_devgroup_name, sys_label_name;
