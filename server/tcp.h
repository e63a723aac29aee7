/*
 * tcp - queries over TCP (RFC 7766): any segmentation, pipelining, several
 * queries a segment, half-close; idle and slow connections are closed, the
 * longest idle goes first when there are too many.  Worker threads.
 *
 *	recv ─► rx (a worker's) ─► whole messages ─► tx (a worker's) ─► send
 *	         rest ─► conn->in                     unsent ─► conn->out
 *
 * A connection without traffic costs its struct alone.
 */
#pragma once

#define TCP_ADDRESSES 65536u /* slots for counting clients */

struct mail;
struct tcp;
struct worker;

struct tcp *tcp_new(struct worker *w);
void tcp_free(struct tcp *t);
/* Takes FD, a listening socket. */
void tcp_listen(struct tcp *t, int fd);
/* A letter from the control thread for one of the connections; borrowed. */
void tcp_mail(struct tcp *t, const struct mail *m);
