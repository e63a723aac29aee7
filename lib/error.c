#include "lib/error.h"

const char *error_text(int err)
{
	switch (err) {
	case ERR_OK:
		return "success";
#define ERROR(name, words) \
	case ERR_##name:   \
		return words;
#include "lib/errors.def"
#undef ERROR
	default:
		return "unknown error";
	}
}
