/*
 * A limit for targets that make two system calls an operation: recvfrom, answer from memory, sendto.
 *
 *   cc -O2 -o echo_socket echo_socket.c && echo_socket SHELF SLOT INTERFACE IMAGE
 */
#include "answer.h"

#define ROOM 65536

int main(int words, char **word)
{
	static unsigned char frame[ROOM];
	struct sockaddr_ll address;
	struct target t = open_target(words, word, &address);
	int room = BUFFER_COUNT * (t.mtu + 1024);

	/* Without it the kernel's default holds some twenty jumbo frames, and the rest is lost. */
	if (setsockopt(t.socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(t.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (bind(t.socket, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");
	for (;;) {
		int length = recvfrom(t.socket, frame, ROOM, 0, NULL, NULL);
		if (length < 0)
			die("recvfrom");
		length = answer(&t, frame, length, frame, ROOM);
		if (length > 0 && sendto(t.socket, frame, length, 0, NULL, 0) < 0)
			perror("sendto");
	}
}
