/*
 * A limit for targets on rings (packet_mmap, TPACKET_V2): frames are answered from memory out of a receive ring into
 * a transmit ring, and one send tells the kernel of all answers of a backlog.
 *
 *   cc -O2 -o echo_ring echo_ring.c && echo_ring SHELF SLOT INTERFACE IMAGE
 */
#include "answer.h"
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <time.h>

#define SLOTS 512
#define SLOT_BYTES 16384
#define BLOCK_BYTES 65536
#define RING_BYTES ((size_t)SLOTS * SLOT_BYTES)
/* Where the kernel takes a frame to transmit from. */
#define TRANSMIT_AT (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))
#define SPIN_NS 50000

static struct tpacket2_hdr *slot(unsigned char *ring, unsigned at)
{
	return (struct tpacket2_hdr *)(ring + (size_t)(at % SLOTS) * SLOT_BYTES);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(int words, char **word)
{
	struct sockaddr_ll address;
	struct target t = open_target(words, word, &address);
	int version = TPACKET_V2;
	struct tpacket_req shape = { BLOCK_BYTES, RING_BYTES / BLOCK_BYTES, SLOT_BYTES, SLOTS };

	if (setsockopt(t.socket, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
	    setsockopt(t.socket, SOL_PACKET, PACKET_RX_RING, &shape, sizeof shape) < 0 ||
	    setsockopt(t.socket, SOL_PACKET, PACKET_TX_RING, &shape, sizeof shape) < 0)
		die("ring");
	unsigned char *in = mmap(NULL, 2 * RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, t.socket, 0);
	if (in == MAP_FAILED)
		die("mmap");
	unsigned char *out = in + RING_BYTES;
	if (bind(t.socket, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");

	struct pollfd ready = { t.socket, POLLIN, 0 };
	int64_t quiet = now();
	for (unsigned next = 0, sent = 0;;) {
		int pending = 0;
		for (struct tpacket2_hdr *from; from = slot(in, next),
		     __atomic_load_n(&from->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER; next++) {
			struct tpacket2_hdr *to = slot(out, sent);
			/* The kernel has the slot still: what waits must leave first. */
			if (__atomic_load_n(&to->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE)
				break;
			int length = answer(&t, (unsigned char *)from + from->tp_mac, from->tp_snaplen,
					    (unsigned char *)to + TRANSMIT_AT, SLOT_BYTES - TRANSMIT_AT);
			__atomic_store_n(&from->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
			if (length == 0)
				continue;
			to->tp_len = length;
			__atomic_store_n(&to->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
			sent++;
			pending++;
		}
		if (pending > 0) {
			if (send(t.socket, NULL, 0, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != ENOBUFS)
				perror("send");
			quiet = now();
		} else if (now() - quiet > SPIN_NS) {
			poll(&ready, 1, -1);
			quiet = now();
		}
	}
}
