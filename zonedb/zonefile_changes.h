/*
 * zonefile_changes - what a newer master file changes, found on any thread and put
 * into the database on the control thread: a huge file is read without holding anybody up.
 *
 *	control: ref the version ─► reader: zonefile_changes_read ─► control: _apply, commit
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct strv;
struct txn;
struct zone;
struct zonefile_changes;
struct zonefile_sums;

/*
 * Compare the file at PATH with OLD, what it said when LIVE was loaded from it.  All borrowed; the
 * caller holds LIVE's version (zonedb_ref).  files: as in zonefile_parse, filled on failure too.
 * Errors of zonefile_parse, and ERR_AGAIN if the file changed while it was read.  Any thread.
 */
int zonefile_changes_read(const char *path, const uint8_t *origin, const struct zone *live,
			  const struct zonefile_sums *old, struct zonefile_changes **ret,
			  struct strv *files, char **ret_why);
/*
 * Into T; what others put into the zone meanwhile stays, but for RRsets that the file changed.
 * ERR_CONFLICT and others of txn_put with *ret_why = "FILE:LINE: reason": abort T then.
 */
int zonefile_changes_apply(const struct zonefile_changes *c, struct txn *t, const uint8_t *origin,
			   char **ret_why);
/* What the file says now; the caller's from here on.  Once. */
struct zonefile_sums *zonefile_changes_take_sums(struct zonefile_changes *c);
/* Records in the file. */
size_t zonefile_changes_records(const struct zonefile_changes *c);
void zonefile_changes_free(struct zonefile_changes *c); /* NULL is fine */
