/* route53_alias - AWS's own endpoints that an ALIAS record may point at, with their hosted zone
 * ids. */
#pragma once

/*
 * The hosted zone id for the ALIAS target HOST (longest matching suffix), or NULL if HOST is no AWS
 * endpoint.  Source: AWS General Reference, endpoints of ELB, VPC
 * endpoints, API Gateway, CloudFront, Global Accelerator
 */
const char *route53_alias_zone(const char *host);
