/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The larger sections of the file; into is the struct config. Private to config/. */
#pragma once

#include "config/read.h"

read_fn read_interfaces;                /* interfaces.c */
read_fn read_packs;                     /* values.c */
read_fn read_templates;                 /* templates.c */
read_fn read_zones, read_port_forwards; /* later.c: checked, not acted on */

/* A value tree for rnm.config(): types guessed as YAML's core schema does. Numbers with leading zeros stay
 * texts. */
bool value_tree(struct reader *r, const struct at *at, const struct ynode *n, struct cfg_node *out);
