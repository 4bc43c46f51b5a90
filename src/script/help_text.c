// SPDX-License-Identifier: GPL-2.0-or-later
/* The annotations for editors as part of the program: what help() says is what the editor shows. */
#include "script/help_text.h"

#define TEXT(name)                                                                                           \
	__asm__(".pushsection .rodata\n"                                                                     \
		".hidden meta_" #name "\n"                                                                   \
		".globl meta_" #name "\n"                                                                    \
		"meta_" #name ":\n"                                                                          \
		".incbin \"lua/rnm/meta/" #name ".lua\"\n"                                                   \
		".byte 0\n"                                                                                  \
		".popsection\n");                                                                            \
	extern const char meta_##name[] __attribute__((visibility("hidden")))

TEXT(nft);
TEXT(net);
TEXT(rnm);
TEXT(events);
TEXT(console);

const char *const help_texts[] = { meta_rnm, meta_nft, meta_net, meta_events, meta_console, NULL };
