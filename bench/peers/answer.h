/*
 * The least of an AoE target: turns a request into its answer, from an image in memory. What the two
 * limits (echo_socket.c, echo_ring.c) share, so that they differ only in how frames come and go. It checks no more
 * than keeps it within its own memory: it is a yardstick, not a target to use.
 *
 *   14 version 4, flags 4 | 15 error | 16 shelf | 18 slot | 19 command | 20 tag
 *   ATA      24 flags | 25 feature | 26 sectors | 27 command, status | 28 address, 6 bytes | 36 data
 *   config   24 buffer count | 26 firmware | 28 sectors | 29 version 4, command 4 | 30 length | 32 string
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETHERTYPE_AOE 0x88a2
#define ATA_HEADER 36
#define CONFIG_HEADER 32
#define SHORTEST 60
#define SECTOR 512
#define BUFFER_COUNT 256

struct target {
	int shelf, slot, socket, mtu;
	unsigned char mac[6];
	unsigned char *image;
	uint64_t sectors;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put_words(unsigned char *at, uint64_t value, int words)
{
	for (int i = 0; i < 2 * words; i++)
		at[i] = value >> (8 * i);
}

static void identify(const struct target *t, unsigned char *data)
{
	uint64_t short_sectors = t->sectors < 0x0fffffff ? t->sectors : 0x0fffffff;

	memset(data, 0, SECTOR);
	memset(data + 20, ' ', 20);
	memset(data + 46, ' ', 48);
	put_words(data + 94, 0x8000, 1);
	put_words(data + 98, 0x0200, 1);
	put_words(data + 120, short_sectors, 2);
	put_words(data + 160, 0x00f0, 1);
	put_words(data + 166, 0x7400, 1);
	put_words(data + 172, 0x7400, 1);
	put_words(data + 200, t->sectors, 4);
}

/*
 * Writes the answer to `request` into `out`, which may be the same memory, and returns its length; 0: there is none.
 * `room`: what `out` can hold.
 */
static int answer(const struct target *t, const unsigned char *request, int length, unsigned char *out, int room)
{
	int shelf = request[16] << 8 | request[17];

	if (length < CONFIG_HEADER || (request[14] & 0x08) != 0)
		return 0;
	if ((shelf != t->shelf && shelf != 0xffff) || (request[18] != t->slot && request[18] != 0xff))
		return 0;
	if (out != request)
		memcpy(out, request, ATA_HEADER);
	memcpy(out, out + 6, 6);
	memcpy(out + 6, t->mac, 6);
	out[14] |= 0x08;
	out[16] = t->shelf >> 8;
	out[17] = t->shelf;
	out[18] = t->slot;
	if (out[19] == 1) {
		memset(out + 24, 0, SHORTEST - 24);
		out[24] = BUFFER_COUNT >> 8;
		out[25] = BUFFER_COUNT & 0xff;
		out[28] = (t->mtu - (ATA_HEADER - 14)) / SECTOR;
		out[29] = 0x10;
		return SHORTEST;
	}
	if (out[19] != 0 || length < ATA_HEADER)
		return 0;
	uint64_t at = 0;
	int sectors = out[26];
	int bytes = sectors * SECTOR;
	int command = out[27];
	for (int i = 5; i >= 0; i--)
		at = at << 8 | out[28 + i];
	out[25] = 0;
	out[27] = 0x40;
	if (command == 0xec && room >= ATA_HEADER + SECTOR) {
		identify(t, out + ATA_HEADER);
		return ATA_HEADER + SECTOR;
	}
	if (at > t->sectors || (uint64_t)sectors > t->sectors - at)
		return 0;
	if ((command == 0x20 || command == 0x24) && ATA_HEADER + bytes <= room) {
		memcpy(out + ATA_HEADER, t->image + at * SECTOR, bytes);
		return ATA_HEADER + bytes;
	}
	if ((command == 0x30 || command == 0x34) && ATA_HEADER + bytes <= length) {
		memcpy(t->image + at * SECTOR, request + ATA_HEADER, bytes);
		return SHORTEST;
	}
	return 0;
}

static void read_image(struct target *t, const char *path)
{
	struct stat of;
	int file = open(path, O_RDONLY);

	if (file < 0 || fstat(file, &of) < 0)
		die(path);
	t->sectors = of.st_size / SECTOR;
	t->image = malloc(of.st_size);
	if (t->image == NULL)
		die("malloc");
	for (off_t done = 0; done < of.st_size;) {
		ssize_t got = read(file, t->image + done, of.st_size - done);
		if (got <= 0)
			die(path);
		done += got;
	}
	close(file);
}

/* SHELF SLOT INTERFACE IMAGE, the order that vblade has; the socket is not bound yet. */
static struct target open_target(int words, char **word, struct sockaddr_ll *address)
{
	struct target t = { 0 };
	struct ifreq request = { 0 };

	if (words != 5) {
		fprintf(stderr, "usage: %s SHELF SLOT INTERFACE IMAGE\n", word[0]);
		exit(2);
	}
	t.shelf = atoi(word[1]);
	t.slot = atoi(word[2]);
	read_image(&t, word[4]);
	t.socket = socket(AF_PACKET, SOCK_RAW, 0);
	if (t.socket < 0)
		die("socket");
	snprintf(request.ifr_name, IFNAMSIZ, "%s", word[3]);
	if (ioctl(t.socket, SIOCGIFHWADDR, &request) < 0)
		die(word[3]);
	memcpy(t.mac, request.ifr_hwaddr.sa_data, 6);
	if (ioctl(t.socket, SIOCGIFMTU, &request) < 0)
		die(word[3]);
	t.mtu = request.ifr_mtu;
	memset(address, 0, sizeof *address);
	address->sll_family = AF_PACKET;
	address->sll_protocol = htons(ETHERTYPE_AOE);
	address->sll_ifindex = if_nametoindex(word[3]);
	return t;
}
