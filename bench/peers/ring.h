/*
 * Rings of a packet socket (packet_mmap, TPACKET_V2) whose slots are as large as the frames need and no larger: slots
 * of a power of two lie on the same few sets of the processor's caches. (TPACKET_V3 hands over blocks, not frames: an
 * answer would wait until its block is full or a timer of milliseconds has run out.)
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define BLOCK_BYTES 65536
/* Where the kernel takes a frame to transmit from. */
#define TRANSMIT_AT (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))

struct ring {
	unsigned char *memory;
	unsigned slot_bytes, in_block, slots;
	/* The slot that is looked at next. */
	unsigned next;
};

static struct tpacket2_hdr *slot_of(const struct ring *r)
{
	unsigned at = r->next;

	return (struct tpacket2_hdr *)(r->memory + (size_t)(at / r->in_block) * BLOCK_BYTES +
				       at % r->in_block * r->slot_bytes);
}

static void step(struct ring *r)
{
	if (++r->next == r->slots)
		r->next = 0;
}

static unsigned status_of(const struct tpacket2_hdr *h)
{
	return __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
}

static void set_status(struct tpacket2_hdr *h, unsigned status)
{
	__atomic_store_n(&h->tp_status, status, __ATOMIC_RELEASE);
}

/* At least `slots` for frames of up to `frame` bytes, not mapped yet; `which`: PACKET_RX_RING or PACKET_TX_RING. */
static struct ring ask_for_ring(int fd, int which, unsigned frame, unsigned slots)
{
	int version = TPACKET_V2;
	struct ring r = { 0 };

	/* The kernel puts a frame's network header behind its own header, aligned, with room for a link header. */
	r.slot_bytes = (TPACKET_ALIGN(TPACKET2_HDRLEN) + 16 + frame + 63) / 64 * 64;
	r.in_block = BLOCK_BYTES / r.slot_bytes;
	unsigned blocks = (slots + r.in_block - 1) / r.in_block;
	r.slots = blocks * r.in_block;
	struct tpacket_req shape = { BLOCK_BYTES, blocks, r.slot_bytes, r.slots };
	/* The version can not be said again where there is a ring. */
	if ((setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 && errno != EBUSY) ||
	    setsockopt(fd, SOL_PACKET, which, &shape, sizeof shape) < 0) {
		perror("ring");
		exit(1);
	}
	return r;
}

static size_t bytes_of(const struct ring *r)
{
	return r->slots / r->in_block * (size_t)BLOCK_BYTES;
}

/* All rings of a socket lie in one mapping, the receive ring first. */
static unsigned char *map_rings(int fd, size_t bytes)
{
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}
