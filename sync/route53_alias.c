#include "sync/route53_alias.h"

#include <stddef.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/mem.h"

static const struct {
	const char *suffix, *zone;
} rows[] = {
	{ "af-south-1.elb.amazonaws.com", "Z268VQBMOI5EKX" },
	{ "ap-east-1.elb.amazonaws.com", "Z3DQVH9N71FHZ0" },
	{ "ap-northeast-1.elb.amazonaws.com", "Z14GRHDCWA56QT" },
	{ "ap-northeast-2.elb.amazonaws.com", "ZWKZPGTI48KDX" },
	{ "ap-northeast-3.elb.amazonaws.com", "Z5LXEXXYW11ES" },
	{ "ap-south-1.elb.amazonaws.com", "ZP97RAFLXTNZK" },
	{ "ap-south-2.elb.amazonaws.com", "Z0173938T07WNTVAEPZN" },
	{ "ap-southeast-1.elb.amazonaws.com", "Z1LMS91P8CMLE5" },
	{ "ap-southeast-2.elb.amazonaws.com", "Z1GM3OXH4ZPM65" },
	{ "ap-southeast-3.elb.amazonaws.com", "Z08888821HLRG5A9ZRTER" },
	{ "ap-southeast-4.elb.amazonaws.com", "Z09517862IB2WZLPXG76F" },
	{ "awsglobalaccelerator.com", "Z2BJ6XQ5FK7U4H" },
	{ "ca-central-1.elb.amazonaws.com", "ZQSVJUPU6J1EY" },
	{ "cloudfront.net", "Z2FDTNDATAQYW2" },
	{ "cn-north-1.elb.amazonaws.com.cn", "Z1GDH35T77C1KE" },
	{ "cn-northwest-1.elb.amazonaws.com.cn", "ZM7IZAIOVVDZF" },
	{ "elb.af-south-1.amazonaws.com", "Z203XCE67M25HM" },
	{ "elb.ap-east-1.amazonaws.com", "Z12Y7K3UBGUAD1" },
	{ "elb.ap-northeast-1.amazonaws.com", "Z31USIVHYNEOWT" },
	{ "elb.ap-northeast-2.amazonaws.com", "ZIBE1TIR4HY56" },
	{ "elb.ap-northeast-3.amazonaws.com", "Z1GWIQ4HH19I5X" },
	{ "elb.ap-south-1.amazonaws.com", "ZVDDRBQ08TROA" },
	{ "elb.ap-southeast-1.amazonaws.com", "ZKVM4W9LS7TM" },
	{ "elb.ap-southeast-2.amazonaws.com", "ZCT6FZBF4DROD" },
	{ "elb.ca-central-1.amazonaws.com", "Z2EPGBW3API2WT" },
	{ "elb.cn-north-1.amazonaws.com.cn", "Z3QFB96KMJ7ED6" },
	{ "elb.cn-northwest-1.amazonaws.com.cn", "ZQEIKTCZ8352D" },
	{ "elb.eu-central-1.amazonaws.com", "Z3F0SRJ5LGBH90" },
	{ "elb.eu-north-1.amazonaws.com", "Z1UDT6IFJ4EJM" },
	{ "elb.eu-south-1.amazonaws.com", "Z23146JA1KNAFP" },
	{ "elb.eu-west-1.amazonaws.com", "Z2IFOLAFXWLO4F" },
	{ "elb.eu-west-2.amazonaws.com", "ZD4D7Y8KGAS4G" },
	{ "elb.eu-west-3.amazonaws.com", "Z1CMS0P5QUZ6D5" },
	{ "elb.me-south-1.amazonaws.com", "Z3QSRYVP46NYYV" },
	{ "elb.sa-east-1.amazonaws.com", "ZTK26PT1VY4CU" },
	{ "elb.us-east-1.amazonaws.com", "Z26RNL4JYFTOTI" },
	{ "elb.us-east-2.amazonaws.com", "ZLMOA37VPKANP" },
	{ "elb.us-gov-east-1.amazonaws.com", "Z1ZSMQQ6Q24QQ8" },
	{ "elb.us-gov-west-1.amazonaws.com", "ZMG1MZ2THAWF1" },
	{ "elb.us-west-1.amazonaws.com", "Z24FKFUX50B4VW" },
	{ "elb.us-west-2.amazonaws.com", "Z18D5FSROUN65G" },
	{ "eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5" },
	{ "eu-central-2.elb.amazonaws.com", "Z06391101F2ZOEP8P5EB3" },
	{ "eu-north-1.elb.amazonaws.com", "Z23TAZ6LKFMNIO" },
	{ "eu-south-1.elb.amazonaws.com", "Z3ULH7SSC9OV64" },
	{ "eu-south-2.elb.amazonaws.com", "Z0956581394HF5D5LXGAP" },
	{ "eu-west-1.elb.amazonaws.com", "Z32O12XQLNTSW2" },
	{ "eu-west-2.elb.amazonaws.com", "ZHURV8PSTC4K8" },
	{ "eu-west-3.elb.amazonaws.com", "Z3Q77PNBQS71R4" },
	{ "il-central-1.elb.amazonaws.com", "Z09170902867EHPV2DABU" },
	{ "me-central-1.elb.amazonaws.com", "Z08230872XQRWHG2XF6I" },
	{ "me-south-1.elb.amazonaws.com", "ZS929ML54UICD" },
	{ "sa-east-1.elb.amazonaws.com", "Z2P70J7HTTTPLU" },
	{ "us-east-1.elb.amazonaws.com", "Z35SXDOTRQ7X7K" },
	{ "us-east-2.elb.amazonaws.com", "Z3AADJGX6KTTL2" },
	{ "us-gov-east-1.elb.amazonaws.com", "Z166TLBEWOO7G0" },
	{ "us-gov-west-1.elb.amazonaws.com", "Z33AYJ8TM3BH4J" },
	{ "us-west-1.elb.amazonaws.com", "Z368ELLRRE2KJ0" },
	{ "us-west-2.elb.amazonaws.com", "Z1H1FL5HABSF5" },
};

const char *route53_alias_zone(const char *host)
{
	const char *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].suffix);

		if (len > best_len && dname_text_is_below(host, rows[i].suffix)) {
			best = rows[i].zone;
			best_len = len;
		}
	}
	return best;
}
