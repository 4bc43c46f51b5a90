// SPDX-License-Identifier: GPL-2.0-or-later
/* What work leaves behind is given back a moment later, in slices short enough for an event that comes
 * meanwhile: garbage of the packs, then free memory to the system. */
#include <malloc.h>

#include "rnmd/daemon.h"

#define LATER_S    0.5
#define SLICE_NS   500000
#define BETWEEN_S  0.005
#define WORTHWHILE (256u << 10) /* free bytes; less is what the next event will use */

static void start(struct daemon *d, double after)
{
	ev_timer_set(&d->tidy, after, 0.);
	ev_timer_start(d->loop, &d->tidy);
}

static void on_tidy(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct daemon *d = t->data;

	(void)loop;
	(void)revents;
	if (engine_tidy(d->engine, SLICE_NS))
		start(d, BETWEEN_S);
	else if (mallinfo2().fordblks > WORTHWHILE)
		malloc_trim(0);
}

void tidy_init(struct daemon *d)
{
	ev_timer_init(&d->tidy, on_tidy, LATER_S, 0.);
	d->tidy.data = d;
}

void tidy_later(struct daemon *d)
{
	if (!ev_is_active(&d->tidy))
		start(d, LATER_S);
}

void tidy_free(struct daemon *d)
{
	ev_timer_stop(d->loop, &d->tidy);
}
