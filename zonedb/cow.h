/*
 * cow - the memory of versions that share most of their parts.
 *
 * Every shared object begins with its birth: the number of the transaction that
 * made it.  A transaction changes its own objects in place and copies older
 * ones; the old one is retired: its last reader is the version before.
 * Versions form a line, so "who still uses it" needs no reference counts:
 *
 *	v3 ── v4 ── v7		v7.dead = what v4 has and v7 has not
 *	      ▲ goes		of those, born after v3: free; else still v3's
 *
 * Control thread; cow_dead_* also the thread that frees versions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum cow_kind { COW_TRIE, COW_NODE, COW_RRSET, COW_ZONE };

/* First member of each shared object. */
struct cow_object {
	uint64_t birth;
};

struct cow_dead {
	uintptr_t *objects; /* pointer | kind */
	size_t n, cap;
};

struct cow {
	uint64_t id; /* of the running transaction; ids rise */
	struct cow_dead dead;
};

/* Free one object (not what it points at). */
void cow_object_free(void *object, enum cow_kind kind);
/* OBJECT leaves the running transaction's version: freed at once if born in it. */
void cow_retire(struct cow *c, void *object, enum cow_kind kind);
/* Move the objects born in BIRTH or before from DEAD to KEEP. */
void cow_dead_split(struct cow_dead *dead, uint64_t birth, struct cow_dead *keep);
/* Free the objects and the list. */
void cow_dead_free(struct cow_dead *dead);
/* FROM's objects move to TO; FROM is empty then. */
void cow_dead_move(struct cow_dead *to, struct cow_dead *from);
void cow_dead_fini(struct cow_dead *dead);
