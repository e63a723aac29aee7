/*
 * rrl - response rate limiting: how many answers of one kind go to one client
 * prefix in a second, so that forged sources cannot make us flood somebody.
 *
 * A fixed table of theoretical arrival times (GCRA): one word, one compare, one
 * store an answer.  Shared by all workers with relaxed atomics; a lost race
 * lets one answer more through.  Any thread.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

struct rrl;

enum rrl_verdict { RRL_PASS, RRL_SLIP, RRL_DROP };

/* RATE answers a second, bursts of as many; every SLIPth limited one is to go out truncated. */
struct rrl *rrl_new(unsigned rate, unsigned slip);
void rrl_free(struct rrl *r);
/*
 * Count an answer about KEY (a hash: equal answers have equal keys) to CLIENT's prefix (IPv4 /24,
 * IPv6 /56) at NOW_MS.
 */
enum rrl_verdict rrl_check(struct rrl *r, const struct sockaddr *client, uint64_t key,
			   uint64_t now_ms);
