/*
 * watch - what probes say about a host's members: ours and, by their state zones,
 * the other clusters'; and the memory of how members turned (damping, slow start).
 * Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct host;

/* Probe the members of H's decision as its policy says; end probes that nobody needs. */
void watch_update(struct host *h);
/* All probes of H end. */
void watch_end(struct host *h);
/*
 * Members that probes deny are marked with a reason.  Votes: our probes and those of clusters that
 * we hear, by the policy's quorum; a member of which nobody knows anything yet is let pass.
 */
void watch_judge(struct host *h);
/*
 * After health and probes: note turns, hold those that turned too often, set the sites' ramps.
 * *ret_wake_ms: earlier of it and when to decide again; 0 = never.
 */
void watch_remember(struct host *h, uint64_t now_ms, uint64_t *ret_wake_ms);
/* The least probe_near_ms of H's probes that is not 0; 0 if none. */
unsigned watch_near_ms(const struct host *h);
/* " up=ADDR,… down=ADDR,…": what our probes see, for the state zone. */
void watch_print(const struct host *h, struct buf *out);
