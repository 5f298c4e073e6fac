// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fido-key NUMBER: the inside of a security key whose outside is a USB gadget (security-key), for the real pam_u2f. It speaks
 * CTAPHID (CTAP 2.1, 11.2) with U2F messages (FIDO U2F Raw Message Formats 1.2) over /dev/hidgNUMBER, has one credential, and
 * its button is always pressed.
 * fido-key NUMBER USER: prints that credential as pam_u2f's authfile has it.
 * /run/fido-key-NUMBER may have a word for how it answers: "slow" (after 0.7 s), "twice" or "never".
 *
 * The credential's private key is a hash of the number: tests need no secret.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#include "lib/cleanup.h"

#define REPORT	    64
#define MESSAGE_MAX 7609 /* CTAPHID's */
#define HASH	    SHA256_DIGEST_LENGTH
#define POINT	    65 /* an uncompressed point of P-256 */

enum { CTAPHID_PING = 1, CTAPHID_MSG = 3, CTAPHID_INIT = 6, CTAPHID_ERROR = 0x3f };
enum { U2F_AUTHENTICATE = 2, U2F_VERSION = 3 };
enum { SW_OK = 0x9000, SW_PRESENCE = 0x6985, SW_WRONG_DATA = 0x6a80, SW_UNKNOWN = 0x6d00 };

struct key {
	EVP_PKEY *pair;
	unsigned char point[POINT], handle[HASH];
	uint32_t counter;
};

/* ---- the credential --------------------------------------------------------------------------------------- */

static EVP_PKEY *make_pair(const BIGNUM *secret, const unsigned char point[static POINT])
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pair = NULL;
	OSSL_PARAM *parameters;

	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, POINT);
	parameters = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_fromdata_init(context);
	EVP_PKEY_fromdata(context, &pair, EVP_PKEY_KEYPAIR, parameters);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	return pair;
}

static bool make_key(const char *number, struct key *key)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	unsigned char secret[HASH];
	BIGNUM *scalar;

	SHA256((const unsigned char *)number, strlen(number), secret);
	SHA256(secret, sizeof(secret), key->handle);
	/* Less than the order of the group, which begins with ff. */
	secret[0] = 1;
	scalar = BN_bin2bn(secret, sizeof(secret), NULL);
	EC_POINT_mul(group, point, scalar, NULL, NULL, NULL);
	EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, key->point, POINT, NULL);
	key->pair = make_pair(scalar, key->point);
	BN_free(scalar);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return key->pair != NULL;
}

static void print_credential(const struct key *key, const char *user)
{
	unsigned char handle[64], point[128];

	EVP_EncodeBlock(handle, key->handle, HASH);
	EVP_EncodeBlock(point, key->point + 1, POINT - 1);
	printf("%s:%s,%s,es256,+presence\n", user, handle, point);
}

/* ---- U2F -------------------------------------------------------------------------------------------------- */

static size_t finish(unsigned char *reply, size_t size, unsigned status)
{
	reply[size] = (unsigned char)(status >> 8);
	reply[size + 1] = (unsigned char)status;
	return size + 2;
}

static void put_counter(unsigned char *to, uint32_t counter)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(counter >> (24 - 8 * i));
}

/* The presence byte, the counter, and a signature over application, both, and challenge. */
static size_t sign(struct key *key, const unsigned char *challenge, const unsigned char *application,
		   unsigned char *reply)
{
	unsigned char text[HASH + 5 + HASH];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = 128;

	reply[0] = 1;
	put_counter(reply + 1, ++key->counter);
	memcpy(text, application, HASH);
	memcpy(text + HASH, reply, 5);
	memcpy(text + HASH + 5, challenge, HASH);
	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pair) != 1 ||
	    EVP_DigestSign(context, reply + 5, &size, text, sizeof(text)) != 1)
		size = 0;
	EVP_MD_CTX_free(context);
	return 5 + size;
}

/* An extended APDU: CLA INS P1 P2, 0 and two bytes of length, data. */
static size_t answer_u2f(struct key *key, const unsigned char *message, size_t size, unsigned char *reply)
{
	const unsigned char *data = message + 7;
	bool ours = size >= 7 + 2 * HASH + 1 + HASH && data[2 * HASH] == HASH &&
		    memcmp(data + 2 * HASH + 1, key->handle, HASH) == 0;

	if (size >= 4 && message[1] == U2F_VERSION) {
		memcpy(reply, "U2F_V2", 6);
		return finish(reply, 6, SW_OK);
	}
	if (size < 4 || message[1] != U2F_AUTHENTICATE)
		return finish(reply, 0, SW_UNKNOWN);
	if (!ours)
		return finish(reply, 0, SW_WRONG_DATA);
	/* 7 asks whether the credential is here, and 3 for a signature. */
	if (message[2] == 7)
		return finish(reply, 0, SW_PRESENCE);
	return finish(reply, sign(key, data, data + HASH, reply), SW_OK);
}

/* ---- CTAPHID ---------------------------------------------------------------------------------------------- */

struct message {
	unsigned char channel[4], command, data[MESSAGE_MAX + REPORT];
	size_t size;
};

static bool read_report(int fd, unsigned char report[static REPORT])
{
	return read(fd, report, REPORT) == REPORT;
}

static bool read_message(int fd, struct message *message)
{
	unsigned char report[REPORT];
	size_t used;

	do
		if (!read_report(fd, report))
			return false;
	while (!(report[4] & 0x80));
	memcpy(message->channel, report, 4);
	message->command = report[4] & 0x7f;
	message->size = (size_t)report[5] << 8 | report[6];
	if (message->size > MESSAGE_MAX)
		message->size = 0;
	memcpy(message->data, report + 7, REPORT - 7);
	for (used = REPORT - 7; used < message->size; used += REPORT - 5) {
		if (!read_report(fd, report))
			return false;
		memcpy(message->data + used, report + 5, REPORT - 5);
	}
	return true;
}

static bool write_message(int fd, const struct message *message)
{
	unsigned char report[REPORT] = {0};
	size_t used = 0;

	memcpy(report, message->channel, 4);
	report[4] = message->command | 0x80;
	report[5] = (unsigned char)(message->size >> 8);
	report[6] = (unsigned char)message->size;
	for (unsigned char sequence = 0; used == 0 || used < message->size; sequence++) {
		size_t head = used ? 5 : 7, room = REPORT - head;

		if (used)
			report[4] = (unsigned char)(sequence - 1);
		memcpy(report + head, message->data + used, room);
		used += room;
		if (write(fd, report, REPORT) != REPORT)
			return false;
	}
	return true;
}

static void answer_message(struct key *key, struct message *message)
{
	static const unsigned char channel[] = {1, 2, 3, 4}, versions[] = {2, 1, 0, 0, 0};
	unsigned char reply[256] = {0};

	switch (message->command) {
	case CTAPHID_PING:
		return;
	case CTAPHID_INIT: /* the nonce, a channel, versions, no capabilities */
		memcpy(message->data + 8, channel, sizeof(channel));
		memcpy(message->data + 12, versions, sizeof(versions));
		message->size = 17;
		return;
	case CTAPHID_MSG:
		message->size = answer_u2f(key, message->data, message->size, reply);
		memcpy(message->data, reply, message->size);
		return;
	default:
		message->command = CTAPHID_ERROR;
		message->data[0] = 1; /* no such command */
		message->size = 1;
		return;
	}
}

/* Says how often, and waits if it is slow. */
static unsigned int answers_now(const char *number)
{
	char path[32], word[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/run/fido-key-%s", number);
	file = fopen(path, "re");
	if (!file)
		return 1;
	if (!fgets(word, sizeof(word), file))
		word[0] = '\0';
	fclose(file);
	word[strcspn(word, "\n")] = '\0';
	if (strcmp(word, "slow") == 0)
		usleep(700000);
	return strcmp(word, "never") == 0 ? 0 : strcmp(word, "twice") == 0 ? 2 : 1;
}

static bool answer(int fd, const char *number, const struct message *message)
{
	for (unsigned int n = answers_now(number); n > 0; n--)
		if (!write_message(fd, message))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	struct key key = {0};
	struct message message;
	char path[32];

	if (argc < 2 || !make_key(argv[1], &key))
		return 2;
	if (argc > 2) {
		print_credential(&key, argv[2]);
		return 0;
	}
	snprintf(path, sizeof(path), "/dev/hidg%s", argv[1]);
	/* Pulled out, it is plugged in again some time: the node is another one then. */
	for (;;) {
		_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

		while (fd >= 0 && read_message(fd, &message)) {
			answer_message(&key, &message);
			if (!answer(fd, argv[1], &message))
				break;
		}
		usleep(20000);
	}
}
