/*
 * handoff - the messages that workers do not answer themselves, brought to the
 * control loop, and the way back to the client.
 *
 *	worker ── copy of the message ──► control loop: handler(ctx, h)
 *	worker ◄── handoff_send × n, handoff_done ── (now or later)
 *
 * What is handed over: opcode NOTIFY and UPDATE, QTYPE AXFR and IXFR, and every message with a
 * TSIG record.  Before that the worker has checked the header (QR=0, exactly one question that
 * parses) and, but for TSIG, nothing else: the handler parses the raw message itself.
 * Without a handler the worker answers NOTIMP (UPDATE), REFUSED (NOTIFY, transfers), and NOTAUTH
 * (TSIG; unsigned, as for an unknown key in RFC 8945 5.2.1).
 *
 * Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct server;
struct handoff;

/* Handler: owns H until handoff_done(H), which it must call once, now or later. */
typedef void (*handoff_cb)(void *ctx, struct handoff *h);
/* Set before server_start; CB NULL takes it away. */
void handoff_handler(struct server *s, handoff_cb cb, void *ctx);

/* The message as it came, 12..65,535 octets; may be changed in place (TSIG strip). */
uint8_t *handoff_msg(struct handoff *h, size_t *ret_len);
/* Address and port of the client. */
const struct netaddr *handoff_client(const struct handoff *h);
bool handoff_is_tcp(const struct handoff *h);
/* The largest message that may be sent back unless the client says more by EDNS: 512 or 65,535. */
size_t handoff_max(const struct handoff *h);

/*
 * Send one message back (without TCP's length); MSG is copied.  Any number over TCP (a transfer is
 * a stream of them), UDP too though one is usual. 0; ERR_GONE when the client left (call
 * handoff_done); ERR_AGAIN when the connection has more than 256 KiB unsent: nothing was taken,
 * handoff_on_room's callback comes when there is room again.
 */
int handoff_send(struct handoff *h, const uint8_t *msg, size_t len);
/* CB on the control loop, each time there is room again after ERR_AGAIN, or when the client left.
 */
void handoff_on_room(struct handoff *h, void (*cb)(void *ctx), void *ctx);
/* The connection is gone.  UDP: never. */
bool handoff_is_gone(const struct handoff *h);
/* The answer is whole; frees H.  The connection goes on with its next message. */
void handoff_done(struct handoff *h);

/*
 * Answer MSG (a query without TSIG, e.g. after tsig_verify took it off) as a worker would have.
 * OUT holds MAX octets (<= 65,535), the answer is no longer than that.
 * Octets written; 0 = no answer must be sent.
 */
size_t handoff_answer(struct handoff *h, const uint8_t *msg, size_t len, uint8_t *out, size_t max);
