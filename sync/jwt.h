/* jwt - signed JSON Web Tokens (RFC 7519, RS256 of RFC 7518 3.3).  Any thread. */
#pragma once

struct cJSON;

/* CLAIMS (borrowed) signed by the PEM private KEY; KID may be NULL.  Caller frees; NULL if the key
 * is bad. */
char *jwt_sign_rs256(const struct cJSON *claims, const char *pem_key, const char *kid);
