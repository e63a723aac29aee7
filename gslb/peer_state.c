#include "gslb/peer_state.h"

const char *peer_life_text(enum peer_life l)
{
	switch (l) {
	case PEER_NEW:
		return "new";
	case PEER_UP:
		return "up";
	case PEER_SILENT:
		return "silent";
	case PEER_GONE:
		return "gone";
	}
	return "";
}

bool peer_state_heard(struct peer_state *s, uint64_t now_ms)
{
	bool changed = s->life != PEER_UP;

	s->life = PEER_UP;
	s->misses = 0;
	s->heard_ms = now_ms;
	return changed;
}

bool peer_state_missed(struct peer_state *s, uint64_t now_ms, uint64_t grace_ms, bool kept)
{
	enum peer_life before = s->life;

	s->misses++;
	if (kept)
		s->kept_ms = now_ms;
	switch (s->life) {
	case PEER_NEW:
	case PEER_GONE:
		break;
	case PEER_UP:
		if (s->misses >= PEER_MISSES)
			s->life = PEER_SILENT;
		break;
	case PEER_SILENT:
		if (now_ms - s->heard_ms >= grace_ms && now_ms - s->kept_ms >= grace_ms)
			s->life = PEER_GONE;
		break;
	}
	return s->life != before;
}
