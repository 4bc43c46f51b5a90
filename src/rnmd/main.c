// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/paths.h"
#include "rnmd/daemon.h"

static const char usage[] =
	"usage: rnmd -c CONFIG [-s SOCKET] [-v]\n"
	"  -c, --config FILE   the configuration (YAML)\n"
	"  -s, --socket PATH   the control socket; lasting state goes to PATH.state/\n"
	"  -v, --verbose       log everything that is done\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"Runs in the foreground. SIGHUP reloads, SIGTERM stops; the rules stay in force.\n";

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
	d.shipped_dir = data_path("policies");
	return daemon_run(&d);
}
