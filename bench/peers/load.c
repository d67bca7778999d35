/*
 * A load generator as plain as can be, to weigh ours against: a closed loop of random commands of one frame, each
 * timed, answers taken from a receive ring, poll where there are none.
 *
 *   cc -O2 -o load load.c
 *   load SHELF SLOT INTERFACE BYTES DEPTH read|write WARM_UP_MS RUNTIME_MS   prints one line of JSON
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE_AOE 0x88a2
#define HEADER 36
#define SHORTEST 60
#define SECTOR 512
#define SLOTS 512
#define SLOT_BYTES 16384
#define BLOCK_BYTES 65536
#define MOST 1024
#define RETRY_NS 250000000ll
#define LOOK_NS 20000000ll
#define FRAME_BYTES 16384
/* A bucket for each 1/16 of a power of two of ns. */
#define BUCKETS (64 * 16)

static int fd, bytes, depth, writes;
static unsigned char frames[MOST][FRAME_BYTES];
static int64_t begun[MOST], sent[MOST];
static uint32_t tags[MOST];
static uint64_t sectors, random_state = 88172645463325252ull;
static uint64_t latency[BUCKETS], done, resent;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int64_t cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ll +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ll;
}

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static int bucket(uint64_t ns)
{
	if (ns < 16)
		return ns;
	int power = 63 - __builtin_clzll(ns);
	return (power - 3) * 16 + (ns >> (power - 4) & 15);
}

static double bucket_ns(int at)
{
	return at < 16 ? at : (double)(16 + at % 16 + 1) * (1ull << (at / 16 - 1));
}

static void transmit(int slot)
{
	int length = writes ? HEADER + bytes : SHORTEST;

	while (send(fd, frames[slot], length, 0) < 0)
		if (errno != EAGAIN && errno != ENOBUFS)
			die("send");
	sent[slot] = now();
}

/* The slot's number stands in the tag's low bits; what is above tells its commands apart. */
static void start(int slot)
{
	unsigned char *f = frames[slot];
	uint64_t at = next_random() % (sectors * SECTOR / bytes) * (bytes / SECTOR);
	uint32_t tag = htonl(tags[slot] += MOST);

	memcpy(f + 20, &tag, 4);
	for (int i = 0; i < 6; i++)
		f[28 + i] = at >> (8 * i);
	transmit(slot);
	begun[slot] = sent[slot];
}

static double percentile(double share)
{
	uint64_t seen = 0;

	for (int i = 0; i < BUCKETS; i++) {
		seen += latency[i];
		if (seen > 0 && seen >= share * done)
			return bucket_ns(i);
	}
	return 0;
}

/* Sends `frame` until an answer with its tag comes; the answer goes to `into`. */
static int ask(const unsigned char *frame, unsigned char *into)
{
	for (int tries = 0; tries < 100; tries++) {
		struct pollfd ready = { fd, POLLIN, 0 };
		send(fd, frame, SHORTEST, 0);
		while (poll(&ready, 1, 50) > 0) {
			int got = recv(fd, into, FRAME_BYTES, 0);
			if (got >= 32 && (into[14] & 0x08) && memcmp(into + 20, frame + 20, 4) == 0)
				return got;
		}
	}
	fprintf(stderr, "No answer within 5 s.\n");
	exit(6);
}

int main(int words, char **word)
{
	static unsigned char frame[FRAME_BYTES], heard[FRAME_BYTES];
	struct ifreq request = { 0 };
	struct sockaddr_ll address = { 0 };

	if (words != 9) {
		fprintf(stderr, "usage: %s SHELF SLOT INTERFACE BYTES DEPTH read|write WARM_UP_MS RUNTIME_MS\n", word[0]);
		return 2;
	}
	bytes = atoi(word[4]);
	depth = atoi(word[5]);
	writes = strcmp(word[6], "write") == 0;
	int64_t warm_up = atoll(word[7]) * 1000000, runtime = atoll(word[8]) * 1000000;
	if (depth < 1 || depth > MOST || bytes < SECTOR || HEADER + bytes > FRAME_BYTES)
		return 2;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		die("socket");
	snprintf(request.ifr_name, IFNAMSIZ, "%s", word[3]);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		die(word[3]);
	address.sll_family = AF_PACKET;
	address.sll_protocol = htons(ETHERTYPE_AOE);
	address.sll_ifindex = if_nametoindex(word[3]);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");

	memset(frame, 0xff, 6);
	memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
	frame[12] = ETHERTYPE_AOE >> 8;
	frame[13] = ETHERTYPE_AOE & 0xff;
	frame[14] = 0x10;
	frame[16] = atoi(word[1]) >> 8;
	frame[17] = atoi(word[1]);
	frame[18] = atoi(word[2]);
	frame[19] = 1;
	frame[20] = 0x80;
	frame[29] = 0x10;
	ask(frame, heard);
	memcpy(frame, heard + 6, 6);
	int room = heard[24] << 8 | heard[25];
	if (room > 0 && depth > room)
		depth = room;
	frame[19] = 0;
	frame[23] = 1;
	frame[29] = 0;
	frame[26] = 1;
	frame[27] = 0xec;
	if (ask(frame, heard) < HEADER + SECTOR)
		die("identify");
	for (int i = 5; i >= 0; i--)
		sectors = sectors << 8 | heard[HEADER + 200 + i];
	if (sectors < (uint64_t)bytes / SECTOR)
		die("size");

	/* A ring can't be given to a socket that has been bound and read from: a new one. */
	close(fd);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	int version = TPACKET_V2;
	size_t ring_bytes = (size_t)SLOTS * SLOT_BYTES;
	struct tpacket_req shape = { BLOCK_BYTES, ring_bytes / BLOCK_BYTES, SLOT_BYTES, SLOTS };
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &shape, sizeof shape) < 0)
		die("ring");
	unsigned char *ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		die("mmap");
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");

	frame[24] = writes ? 0x41 : 0x40;
	frame[26] = bytes / SECTOR;
	frame[27] = writes ? 0x34 : 0x24;
	for (int slot = 0; slot < depth; slot++) {
		memcpy(frames[slot], frame, HEADER);
		tags[slot] = 0x80000000u + slot;
		for (int i = 0; i < bytes; i++)
			frames[slot][HEADER + i] = next_random();
		start(slot);
	}

	int64_t from = now() + warm_up, until = from + runtime, spent = 0, look = 0;
	int measuring = 0;
	struct pollfd ready = { fd, POLLIN, 0 };
	for (unsigned next = 0;;) {
		struct tpacket2_hdr *h;
		int taken = 0;
		for (; h = (struct tpacket2_hdr *)(ring + (size_t)(next % SLOTS) * SLOT_BYTES),
		     __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER; next++) {
			unsigned char *f = (unsigned char *)h + h->tp_mac;
			uint32_t tag;
			memcpy(&tag, f + 20, 4);
			tag = ntohl(tag);
			int slot = tag % MOST;
			int mine = (f[14] & 0x08) && slot < depth && tags[slot] == tag;
			if (mine && (f[14] & 0x04 || f[27] & 0x01)) {
				fprintf(stderr, "The target answered with an error.\n");
				return 1;
			}
			if (mine && !writes)
				memcpy(frames[slot] + HEADER, f + HEADER, bytes);
			__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
			if (!mine)
				continue;
			taken++;
			if (measuring) {
				latency[bucket(now() - begun[slot])]++;
				done++;
			}
			start(slot);
		}
		int64_t at = now();
		if (!measuring && at >= from) {
			measuring = 1;
			from = at;
			until = at + runtime;
			spent = cpu();
		}
		if (measuring && at >= until) {
			spent = cpu() - spent;
			printf("{\"iops\":%.1f,\"commands\":%llu,\"lat_p50_ns\":%.0f,\"lat_p99_ns\":%.0f,\"lat_p999_ns\":%.0f,"
			       "\"cpu_per_command_ns\":%.1f,\"retransmits\":%llu}\n",
			       done * 1e9 / (at - from), (unsigned long long)done, percentile(0.5), percentile(0.99),
			       percentile(0.999), done ? (double)spent / done : 0.0, (unsigned long long)resent);
			return 0;
		}
		if (at >= look) {
			look = at + LOOK_NS;
			for (int slot = 0; slot < depth; slot++)
				if (at - sent[slot] > RETRY_NS) {
					transmit(slot);
					resent++;
				}
		}
		if (taken == 0)
			poll(&ready, 1, LOOK_NS / 1000000);
	}
}
