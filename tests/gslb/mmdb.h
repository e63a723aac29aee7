/*
 * mmdb - writes small MaxMind databases for tests: IPv6 trees with IPv4 at ::/96,
 * one level or two of maps, values of text and numbers.
 */
#pragma once

#include <stddef.h>

struct mmdb_row {
	const char *network; /* "192.0.2.0/24"; longer ones after shorter ones */
	/* "country.iso_code=DE asn=64500 location.latitude=1.5": digits make numbers, a dot doubles
	 */
	const char *fields;
};

/* Write the database to PATH (replaced by rename).  Aborts on trouble. */
void mmdb_write(const char *path, const struct mmdb_row *rows, size_t n);
