/*
 * probe_grpc - gRPC's health protocol (grpc.health.v1.Health/Check) over HTTP/2 with prior
 * knowledge: SERVING is good.  The request is a few fixed frames; of the answer only
 * DATA frames are read (RFC 9113 4.1), so no header decompression is needed.
 */
#include <string.h>

#include "gslb/probe_conn.h"
#include "lib/mem.h"

#define FRAME_DATA    0
#define FRAME_HEADERS 1
#define FRAME_RST     3
#define FRAME_GOAWAY  7
#define END_STREAM    1
#define END_HEADERS   4
#define SERVING       1

extern const struct probe_ops probe_grpc;

static void put_frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream, const void *data,
		      size_t len)
{
	buf_u8(b, (uint8_t)(len >> 16));
	buf_u16(b, (uint16_t)len);
	buf_u8(b, type);
	buf_u8(b, flags);
	buf_u32(b, stream);
	buf_add(b, data, len);
}

/* A literal header without indexing, no Huffman code (RFC 7541 6.2.2). */
static void put_header(struct buf *b, const char *name, const char *value)
{
	buf_u8(b, 0);
	buf_u8(b, (uint8_t)strlen(name));
	buf_puts(b, name);
	buf_u8(b, (uint8_t)strlen(value));
	buf_puts(b, value);
}

static void put_request(struct buf *b, const struct probe_spec *s)
{
	struct buf headers = { 0 }, message = { 0 }, data = { 0 };

	buf_puts(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	put_frame(b, 4, 0, 0, "", 0); /* SETTINGS */
	put_header(&headers, ":method", "POST");
	put_header(&headers, ":scheme", "http");
	put_header(&headers, ":path", "/grpc.health.v1.Health/Check");
	put_header(&headers, ":authority", s->host);
	put_header(&headers, "content-type", "application/grpc");
	put_header(&headers, "te", "trailers");
	put_frame(b, FRAME_HEADERS, END_HEADERS, 1, headers.data, headers.len);
	if (*s->service) { /* HealthCheckRequest.service = 1 */
		buf_u8(&message, 0x0a);
		buf_u8(&message, (uint8_t)strlen(s->service));
		buf_puts(&message, s->service);
	}
	buf_u8(&data, 0); /* not compressed */
	buf_u32(&data, (uint32_t)message.len);
	buf_add(&data, message.data, message.len);
	put_frame(b, FRAME_DATA, END_STREAM, 1, data.data, data.len);
	buf_fini(&headers);
	buf_fini(&message);
	buf_fini(&data);
}

/* HealthCheckResponse.status = 1: a varint. */
static int status_of(const uint8_t *data, size_t len)
{
	if (len < 7 || data[5] != 0x08)
		return 0; /* UNKNOWN is the default and is left out */
	return data[6];
}

static bool on_data(struct probe_run *run, const struct buf *in, bool eof)
{
	static const char *const words[] = { "UNKNOWN", "SERVING", "NOT_SERVING",
					     "SERVICE_UNKNOWN" };
	const uint8_t *p = (const uint8_t *)in->data;
	size_t left = in->len;

	(void)eof;
	while (left >= 9) {
		size_t len = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];

		if (left < 9 + len)
			return false;
		if (p[3] == FRAME_DATA && len) {
			int status = status_of(p + 9, len);
			char *why =
				mem_printf("the service is %s",
					   status < (int)ARRAY_SIZE(words) ? words[status] : "?");

			probe_run_done(run, status == SERVING, why);
			mem_strset(&why, NULL);
			return true;
		}
		bool ends = p[3] == FRAME_HEADERS && (p[4] & END_STREAM);
		if (p[3] == FRAME_RST || p[3] == FRAME_GOAWAY || ends) {
			probe_run_done(run, false, "the call failed without a health status");
			return true;
		}
		p += 9 + len;
		left -= 9 + len;
	}
	return false;
}

static char *check(const struct probe_spec *s)
{
	if (strlen(s->service) > 120 || strlen(s->host) > 120)
		return mem_strdup("grpc.service: must not be longer than 120 characters");
	return NULL;
}

static void start(struct probe_run *run)
{
	struct buf b = { 0 };

	put_request(&b, probe_run_spec(run));
	struct probe_conn_plan plan = { .tls = probe_run_spec(run)->port == 443,
					.alpn = "h2",
					.request = b.data,
					.request_len = b.len,
					.on_data = on_data };
	probe_conn_start(run, &plan);
	buf_fini(&b);
}

const struct probe_ops probe_grpc = {
	.name = "GRPC",
	.needs_port = true,
	.start = start,
	.cancel = probe_conn_cancel,
	.check = check,
};
