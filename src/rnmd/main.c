// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "rnmd/daemon.h"

static const char usage[] =
	"usage: rnmd -c CONFIG [-s SOCKET] [-v]\n"
	"  -c, --config FILE   the configuration (YAML)\n"
	"  -s, --socket PATH   the control socket; lasting state goes to PATH.state/\n"
	"  -v, --verbose       log everything that is done\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"Runs in the foreground. SIGHUP reloads, SIGTERM stops; the rules stay in force.\n";

/* The shipped packs: the tree's that this was built in (build/ or build/san/), or the installed ones. */
static char *shipped_dir(void)
{
	static const char *const ups[] = { "..", "../.." };
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	_autofree_ char *module = NULL;
	const char *dir;

	if (n > 0) {
		exe[n] = '\0';
		dir = dirname(exe);
		module = xasprintf("%s/lua/rnm", dir); /* what a build leaves beside its programs */
		for (size_t i = 0; !access(module, F_OK) && i < ARRAY_SIZE(ups); i++) {
			_autofree_ char *tree = xasprintf("%s/%s/policies", dir, ups[i]);
			char *real = realpath(tree, NULL);

			if (real)
				return real;
		}
	}
	return xstrdup(RNM_DATADIR "/policies");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct daemon d = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "c:s:vhV", options, NULL)) != -1) {
		switch (c) {
		case 'c': d.config_path = optarg; break;
		case 's': d.socket_path = optarg; break;
		case 'v': d.verbose = true; break;
		case 'h': fputs(usage, stdout); return 0;
		case 'V': puts("rnmd " RNM_VERSION); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "rnmd: unexpected argument '%s'\n%s", argv[optind], usage);
		return 2;
	}
	if (!d.config_path) {
		fprintf(stderr, "rnmd: no configuration given\n%s", usage);
		return 2;
	}
	log_init(d.verbose ? LOG_DEBUG : LOG_INFO);
	d.shipped_dir = shipped_dir();
	return daemon_run(&d);
}
