// SPDX-License-Identifier: GPL-2.0-or-later
/* hash_bytes() is SipHash-1-3: names and addresses come from outside, and who can choose them must not be
 * able to choose collisions. hash_stable() has no key and promises only good distribution. */
#include "base/hash.h"

#include <endian.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

static uint64_t key[2];

/* Before main(), so that no call has to ask whether there is a key yet. */
__attribute__((constructor)) static void key_init(void)
{
	const void *aux;

	/* Early in boot the pool may not be ready; the kernel's own 16 bytes for this process are. */
	if (getrandom(key, sizeof(key), GRND_NONBLOCK) == (ssize_t)sizeof(key))
		return;
	aux = (const void *)getauxval(AT_RANDOM);
	if (aux)
		memcpy(key, aux, sizeof(key));
}

void hash_seed_fixed(void)
{
	memset(key, 0x5a, sizeof(key));
}

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t load_tail(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static inline void sip_absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint64_t hash_bytes(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	size_t left = n;

	for (; left >= 8; left -= 8, p += 8)
		sip_absorb(v, load64(p));
	sip_absorb(v, load_tail(p, left) | (uint64_t)n << 56);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_str(const char *s)
{
	return hash_bytes(s, strlen(s));
}

/* Both halves of the full product: each bit of either factor reaches the result. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t hash_stable(uint64_t seed, const void *data, size_t n)
{
	/* Odd and with about half of the bits set; nothing else is asked of them. */
	static const uint64_t m1 = 0xd6e8feb86659fd93, m2 = 0xa3b195354a39b70d, m3 = 0x9fb21c651e98df25;
	const uint8_t *p = data;
	uint64_t h = fold(seed ^ m1, m2) ^ n;
	size_t left = n;

	for (; left >= 8; left -= 8, p += 8)
		h = rotl(h, 23) + fold(h ^ load64(p) ^ m1, m2);
	h = rotl(h, 23) + fold(h ^ load_tail(p, left) ^ m2, m3);
	return fold(h ^ m3, m1) ^ h >> 29;
}

uint64_t hash_mix(uint64_t a, uint64_t b)
{
	return fold(a ^ 0xd6e8feb86659fd93, rotl(b, 32) ^ 0x9fb21c651e98df25) ^ rotl(a, 17) ^ b;
}
