/*
 * commands - what gslbctl can do beyond asking why: drain, undrain, drains,
 * failback, simulate.  Control thread.
 */
#pragma once

struct gslb;

void commands_register(struct gslb *g);
