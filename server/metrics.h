/* metrics - the workers' numbers, added up for each scrape.  Control thread. */
#pragma once

struct server;

void metrics_start(struct server *s);
void metrics_stop(struct server *s);
