// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/pretend.h"

#include <errno.h>

#include "base/xalloc.h"

void pretend_commit(const struct plan *p, uint64_t *last, struct commit_result *r)
{
	if (!r->op_err)
		r->op_err = xcalloc(p->ops.n + 1, sizeof(*r->op_err));
	free(r->handle);
	r->handle = xcalloc(p->ops.n + 1, sizeof(*r->handle));
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (p->ops.v[i].kind == OP_ADD_RULE || p->ops.v[i].kind == OP_REPLACE_RULE)
			r->handle[i] = ++*last;
	r->handles_known = true;
}

int pretend_handles(void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e)
{
	(void)ctx;
	*handles = *ids = NULL;
	return err_set(e, -EOPNOTSUPP, "the numbers of the rules of %s are known: no kernel gave them",
		obj_name(chain));
}
