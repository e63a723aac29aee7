/*
 * fake_dns - a DNS server for tests on the loop under test: UDP and TCP on one
 * loopback port, a callback makes the answers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct buf;
struct fake_dns;
struct loop;

/*
 * Answer MSG: each message that is added to OUT with fake_dns_reply goes back.
 * Nothing added: no answer.
 */
typedef void (*fake_dns_cb)(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp);

struct fake_dns *fake_dns_new(struct loop *loop, fake_dns_cb cb, void *ctx);
void fake_dns_free(struct fake_dns *f);
const struct netaddr *fake_dns_address(const struct fake_dns *f);
/* Only within the callback. */
void fake_dns_reply(struct fake_dns *f, const uint8_t *msg, size_t len);
/* Close the TCP connection after the callback. */
void fake_dns_hang_up(struct fake_dns *f);
