/* decl_json - declarations as JSON text and back, for the disk.  Pure. */
#pragma once

struct cJSON;
struct gslb_decl;
struct zone_decl;

struct cJSON *decl_to_json(const struct gslb_decl *d);
/* NULL if it is not one. */
struct gslb_decl *decl_from_json(const struct cJSON *json);
struct cJSON *zone_decl_to_json(const struct zone_decl *z);
struct zone_decl *zone_decl_from_json(const struct cJSON *json);
