/*
 * A limit for targets on rings: frames are answered from memory out of a receive ring into a transmit ring, and one
 * send tells the kernel of all answers of a backlog.
 *
 *   cc -O2 -o echo_ring echo_ring.c && echo_ring SHELF SLOT INTERFACE IMAGE
 */
#include "answer.h"
#include "ring.h"
#include <poll.h>

#define SLOTS 512
#define SPIN_NS 50000

int main(int words, char **word)
{
	struct sockaddr_ll address;
	struct target t = open_target(words, word, &address);
	int frame = t.mtu + ATA_HEADER;
	struct ring in = ask_for_ring(t.socket, PACKET_RX_RING, frame, SLOTS);
	struct ring out = ask_for_ring(t.socket, PACKET_TX_RING, frame, SLOTS);

	in.memory = map_rings(t.socket, bytes_of(&in) + bytes_of(&out));
	out.memory = in.memory + bytes_of(&in);
	if (bind(t.socket, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");

	struct pollfd ready = { t.socket, POLLIN, 0 };
	int64_t quiet = now();
	for (;;) {
		int pending = 0;
		for (struct tpacket2_hdr *from; from = slot_of(&in), status_of(from) & TP_STATUS_USER; step(&in)) {
			struct tpacket2_hdr *to = slot_of(&out);
			/* The kernel has the slot still: what waits must leave first. */
			if (status_of(to) != TP_STATUS_AVAILABLE)
				break;
			int length = answer(&t, (unsigned char *)from + from->tp_mac, from->tp_snaplen,
					    (unsigned char *)to + TRANSMIT_AT, out.slot_bytes - TRANSMIT_AT);
			set_status(from, TP_STATUS_KERNEL);
			if (length == 0)
				continue;
			to->tp_len = length;
			set_status(to, TP_STATUS_SEND_REQUEST);
			step(&out);
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
