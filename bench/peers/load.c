/*
 * A load generator that is not to be the bottleneck: a closed loop of commands of one frame. Answers are taken from
 * a receive ring; all that waits is taken, and the commands that follow leave by one sendmmsg. One reading of the clock
 * for each such batch: a command's latency ends, and the next one's begins, when its batch has been taken.
 *
 *   cc -O2 -o load load.c
 *   load [-w PID] [-f] [-r SEED] [-i INITIATORS] [-p PLACES] SHELF SLOT INTERFACE[,…] BYTES read|write STAGE…
 *
 *   STAGE  order|warm|measure:DEPTH:US[:FROM:COUNT]   one after the other; `order`: each place once, US at most
 *   -w     watches this process: its CPU time and memory over each measured stage
 *   -f     frugal: sleeps where nothing waits, else looks for 50 us before
 *   -p     a file of places, `SHELF SLOT LBA` each; without it anywhere on the export that is named
 *   -i     so many source addresses, in turn
 *
 * Prints a line of JSON. `busy_ns`: of the time, what went by while there was something to do: where that is all of it,
 * this program is the limit and not its target.
 */
#define _GNU_SOURCE
#include "ring.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define ETHERTYPE_AOE 0x88a2
#define HEADER 36
#define SHORTEST 60
#define SECTOR 512
#define MOST 1024
#define WAYS 16
#define FRAME_BYTES 16384
#define SPIN_NS 50000
/* Far beyond any queue here. */
#define RETRY_NS 20000000ll
#define LOOK_NS 1000000ll
#define STUCK_NS 5000000000ll
/* Every 10 ms: a target with many exports may start for long. */
#define ASK_TRIES 6000
/* A bucket for each 1/128 of a power of two of ns. */
#define FINE 128
#define BUCKETS (64 * FINE)

struct place {
	uint16_t shelf;
	uint8_t slot;
	uint64_t lba;
};

struct way {
	int fd;
	struct ring ring;
	/* The first 36 bytes of each of its frames. */
	unsigned char head[HEADER];
	struct mmsghdr queue[MOST];
	int queued;
};

struct stage {
	char kind;
	int depth, from, count;
	int64_t ns;
};

struct cost {
	int64_t own, target, resident;
};

static struct way ways[WAYS];
static int way_count, bytes, writes, frugal, initiators = 1, watched;
static struct place *places;
static int place_count;
static uint64_t blocks, random_state = 88172645463325252ull;

static unsigned char heads[MOST][64], data[FRAME_BYTES];
static struct iovec pieces[MOST][2];
static int64_t begun[MOST], sent[MOST];
static uint32_t tags[MOST];
static unsigned char outstanding[MOST], way_of[MOST];

static struct stage stage;
static uint64_t turn, done, lost, sends, latency[BUCKETS];
static int outstanding_count, stopped;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned __int128)random_state * bound >> 64;
}

static int bucket(uint64_t ns)
{
	if (ns < FINE)
		return ns;
	int power = 63 - __builtin_clzll(ns) - 7;
	return (power + 1) * FINE + (ns >> power & (FINE - 1));
}

static double bucket_ns(int at)
{
	int power = at / FINE - 1;

	return power < 1 ? at : (at % FINE + FINE + 0.5) * (1ull << power);
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

/* Of all threads, as the scheduler counts it (CONFIG_SCHED_INFO); -1: not known. */
static int64_t cpu_of(int pid)
{
	char path[300];
	int64_t sum = 0, spent;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	if (threads == NULL)
		return -1;
	for (struct dirent *one; (one = readdir(threads)) != NULL;) {
		if (one->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, one->d_name);
		FILE *file = fopen(path, "r");
		int read = file != NULL && fscanf(file, "%ld", &spent) == 1;
		if (file != NULL)
			fclose(file);
		if (!read) {
			sum = -1;
			break;
		}
		sum += spent;
	}
	closedir(threads);
	return sum;
}

static int64_t resident_of(int pid)
{
	char path[64], line[256];
	long kib = -1;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return -1;
	while (fgets(line, sizeof line, file) != NULL && sscanf(line, "VmRSS: %ld", &kib) != 1)
		;
	fclose(file);
	return kib < 0 ? -1 : kib * 1024;
}

static struct cost cost_so_far(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (struct cost){ t.tv_sec * 1000000000ll + t.tv_nsec, watched ? cpu_of(watched) : -1,
			      watched ? resident_of(watched) : -1 };
}

/* The slot's number stands in the tag's low bits; what is above tells its commands apart. */
static void fill(int slot)
{
	unsigned char *f = heads[slot];
	struct way *w = &ways[way_of[slot] = turn % way_count];
	int initiator = turn / way_count % initiators;
	uint32_t tag = htonl(tags[slot] += MOST);
	uint64_t lba;

	memcpy(f, w->head, HEADER);
	if (initiators > 1) {
		memcpy(f + 6, "\2\0\0\0\1", 5);
		f[11] = initiator;
	}
	if (place_count > 0) {
		struct place *p = &places[stage.from + (stage.kind == 'o' ? turn % stage.count : below(stage.count))];
		f[16] = p->shelf >> 8;
		f[17] = p->shelf;
		f[18] = p->slot;
		lba = p->lba;
	} else {
		lba = below(blocks) * (bytes / SECTOR);
	}
	memcpy(f + 20, &tag, 4);
	for (int i = 0; i < 6; i++)
		f[28 + i] = lba >> (8 * i);
	turn++;
}

static void queue(int slot, int64_t at)
{
	struct way *w = &ways[way_of[slot]];
	struct msghdr *m = &w->queue[w->queued++].msg_hdr;

	m->msg_iov = pieces[slot];
	m->msg_iovlen = writes ? 2 : 1;
	sent[slot] = at;
}

/* What the kernel has no room for stays queued; the caller comes back. */
static void flush(struct way *w)
{
	int gone = sendmmsg(w->fd, w->queue, w->queued, MSG_DONTWAIT);

	if (gone < 0) {
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			die("sendmmsg");
		return;
	}
	sends++;
	w->queued -= gone;
	if (w->queued > 0)
		memmove(w->queue, w->queue + gone, w->queued * sizeof w->queue[0]);
}

static void start(int slot, int64_t at)
{
	outstanding_count += !outstanding[slot];
	outstanding[slot] = 1;
	fill(slot);
	begun[slot] = at;
	queue(slot, at);
}

/* Answers that wait on one way, as slots into `ended`; returns how many. */
static int take(struct way *w, int *ended)
{
	int count = 0;
	struct tpacket2_hdr *h;

	for (; h = slot_of(&w->ring), status_of(h) & TP_STATUS_USER && count < MOST; step(&w->ring)) {
		unsigned char *f = (unsigned char *)h + h->tp_mac;
		uint32_t tag;
		memcpy(&tag, f + 20, 4);
		tag = ntohl(tag);
		int slot = tag % MOST;
		if ((f[14] & 0x08) && outstanding[slot] && tags[slot] == tag) {
			if (f[14] & 0x04 || f[27] & 0x01) {
				fprintf(stderr, "The target answered with an error\n");
				exit(1);
			}
			outstanding[slot] = 0;
			ended[count++] = slot;
		}
		set_status(h, TP_STATUS_KERNEL);
	}
	return count;
}

static void resend_lost(int64_t at)
{
	for (int slot = 0; slot < MOST; slot++) {
		if (!outstanding[slot] || at - sent[slot] < RETRY_NS)
			continue;
		if (at - begun[slot] > STUCK_NS) {
			fprintf(stderr, "A command was not answered within 5 s\n");
			exit(6);
		}
		/* It may still be queued here. */
		if (ways[way_of[slot]].queued > 0)
			continue;
		lost++;
		queue(slot, at);
	}
}

struct found {
	int64_t elapsed, idle;
	struct cost before, after;
};

static int ended_stage(int64_t at, int64_t until)
{
	return at >= until || (stage.kind == 'o' && done >= (uint64_t)stage.count);
}

/* Runs the stage; with `drain` until nothing is outstanding after it. */
static struct found run(int drain)
{
	static int ended[MOST];
	struct found found = { 0 };
	struct pollfd ready[WAYS];

	for (int i = 0; i < way_count; i++)
		ready[i] = (struct pollfd){ ways[i].fd, POLLIN, 0 };
	done = lost = sends = 0;
	memset(latency, 0, sizeof latency);
	found.before = cost_so_far();
	int64_t from = now(), until = from + stage.ns, look = from, idle_from = 0, at = from;
	stopped = 0;
	for (int slot = 0; slot < stage.depth; slot++)
		if (!outstanding[slot])
			start(slot, from);
	for (;;) {
		int worked = 0;
		for (int i = 0; i < way_count; i++) {
			int count = take(&ways[i], ended);
			if (count == 0)
				continue;
			worked = 1;
			at = now();
			for (int k = 0; k < count; k++) {
				latency[bucket(at - begun[ended[k]])] += !stopped;
				done += !stopped;
				outstanding_count--;
				if (!stopped && ended[k] < stage.depth)
					start(ended[k], at);
			}
		}
		for (int i = 0; i < way_count; i++)
			if (ways[i].queued > 0) {
				flush(&ways[i]);
				worked = 1;
			}
		if (worked) {
			if (idle_from != 0 && !stopped)
				found.idle += at - idle_from;
			idle_from = 0;
		} else {
			at = now();
			if (idle_from == 0)
				idle_from = at;
		}
		if (!stopped && ended_stage(at, until)) {
			if (idle_from != 0)
				found.idle += at - idle_from;
			found.elapsed = at - from;
			found.after = cost_so_far();
			stopped = 1;
			if (!drain)
				return found;
		}
		if (stopped && outstanding_count == 0)
			return found;
		if (at >= look) {
			look = at + LOOK_NS;
			resend_lost(at);
		}
		if (!worked && (frugal || at - idle_from > SPIN_NS))
			poll(ready, way_count, LOOK_NS / 1000000);
	}
}

static void tell_number(const char *name, int known, double value)
{
	printf(known ? ",\"%s\":%.0f" : ",\"%s\":null", name, value);
}

static void tell(const struct found *f, int first)
{
	struct tpacket_stats drops;
	socklen_t length = sizeof drops;
	unsigned long dropped = 0;

	for (int i = 0; i < way_count; i++)
		if (getsockopt(ways[i].fd, SOL_PACKET, PACKET_STATISTICS, &drops, &length) == 0)
			dropped += drops.tp_drops;
	printf("%s{\"commands\":%llu", first ? "" : ",", (unsigned long long)done);
	tell_number("elapsed_ns", 1, f->elapsed);
	tell_number("busy_ns", 1, f->elapsed - f->idle);
	tell_number("lat_p50_ns", done > 0, percentile(0.5));
	tell_number("lat_p99_ns", done > 0, percentile(0.99));
	tell_number("lat_p999_ns", done > 0, percentile(0.999));
	tell_number("cpu_ns", 1, f->after.own - f->before.own);
	tell_number("target_cpu_ns", f->before.target >= 0 && f->after.target >= 0,
		    f->after.target - f->before.target);
	tell_number("target_resident_bytes", f->after.resident >= 0, f->after.resident);
	tell_number("retransmits", 1, lost);
	tell_number("receive_drops", 1, dropped);
	tell_number("send_calls", 1, sends);
	printf("}");
}

/* Sends `frame` until an answer with its tag comes; the answer goes to `into`. */
static int ask(int fd, const unsigned char *frame, unsigned char *into)
{
	/* One that has ended has no memory any more. */
	for (int tries = 0; tries < ASK_TRIES && !(watched && resident_of(watched) < 0); tries++) {
		struct pollfd ready = { fd, POLLIN, 0 };
		send(fd, frame, SHORTEST, 0);
		while (poll(&ready, 1, 10) > 0) {
			int got = recv(fd, into, FRAME_BYTES, 0);
			if (got >= 32 && (into[14] & 0x08) && memcmp(into + 20, frame + 20, 4) == 0)
				return got;
		}
	}
	fprintf(stderr, "e%d.%d did not answer\n", frame[16] << 8 | frame[17], frame[18]);
	exit(6);
}

static int open_socket(const char *name, struct sockaddr_ll *address)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		die("socket");
	memset(address, 0, sizeof *address);
	address->sll_family = AF_PACKET;
	address->sll_protocol = htons(ETHERTYPE_AOE);
	address->sll_ifindex = if_nametoindex(name);
	if (address->sll_ifindex == 0)
		die(name);
	return fd;
}

/* Returns how many commands the target takes at once; where no places are given its size is asked for. */
static int open_way(struct way *w, const char *name, int shelf, int slot, int depth)
{
	static unsigned char frame[FRAME_BYTES], heard[FRAME_BYTES];
	struct ifreq request = { 0 };
	struct sockaddr_ll address;
	int fd = open_socket(name, &address);

	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die(name);
	memset(frame, 0, sizeof frame);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
	frame[12] = ETHERTYPE_AOE >> 8;
	frame[13] = ETHERTYPE_AOE & 0xff;
	frame[14] = 0x10;
	frame[16] = shelf >> 8;
	frame[17] = shelf;
	frame[18] = slot;
	frame[19] = 1;
	frame[20] = 0x80;
	frame[29] = 0x10;
	ask(fd, frame, heard);
	memcpy(frame, heard + 6, 6);
	int room = heard[24] << 8 | heard[25];
	frame[19] = 0;
	frame[23] = 1;
	frame[29] = 0;
	if (place_count == 0) {
		uint64_t sectors = 0;
		frame[26] = 1;
		frame[27] = 0xec;
		if (ask(fd, frame, heard) < HEADER + SECTOR)
			die("identify");
		for (int i = 5; i >= 0; i--)
			sectors = sectors << 8 | heard[HEADER + 200 + i];
		blocks = sectors * SECTOR / bytes;
		if (blocks == 0)
			die("size");
	}
	close(fd);

	frame[24] = writes ? 0x41 : 0x40;
	frame[26] = bytes / SECTOR;
	frame[27] = writes ? 0x34 : 0x24;
	memcpy(w->head, frame, HEADER);
	/* A ring can't be given to a socket that has been bound and read from: a new one. */
	w->fd = open_socket(name, &address);
	w->ring = ask_for_ring(w->fd, PACKET_RX_RING, writes ? SHORTEST : HEADER + bytes, 2 * depth + 64);
	w->ring.memory = map_rings(w->fd, bytes_of(&w->ring));
	if (bind(w->fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind");
	return room;
}

static void read_places(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned shelf, slot;
	unsigned long long lba;

	if (file == NULL)
		die(path);
	while (fscanf(file, "%u %u %llu", &shelf, &slot, &lba) == 3) {
		if ((place_count & (place_count - 1)) == 0) {
			places = realloc(places, (place_count ? 2 * place_count : 1) * sizeof *places);
			if (places == NULL)
				die("realloc");
		}
		places[place_count++] = (struct place){ shelf, slot, lba };
	}
	fclose(file);
}

static struct stage parse_stage(const char *text)
{
	struct stage s = { 0 };
	char kind[8] = "";
	long us = 0;

	s.count = place_count;
	int parts = sscanf(text, "%7[a-z]:%d:%ld:%d:%d", kind, &s.depth, &us, &s.from, &s.count);
	s.kind = kind[0];
	s.ns = us * 1000ll;
	if (parts < 3 || s.depth < 1 || s.depth > MOST || us < 0 || s.from < 0 || s.from + s.count > place_count) {
		fprintf(stderr, "%s is no stage\n", text);
		exit(2);
	}
	return s;
}

int main(int words, char **word)
{
	static struct stage stages[64];
	int option, deepest = 1, first = 1;

	while ((option = getopt(words, word, "w:fr:i:p:")) != -1) {
		if (option == 'w')
			watched = atoi(optarg);
		else if (option == 'f')
			frugal = 1;
		else if (option == 'r')
			random_state ^= strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15ull;
		else if (option == 'i')
			initiators = atoi(optarg);
		else if (option == 'p')
			read_places(optarg);
		else
			return 2;
	}
	word += optind;
	int count = words - optind - 5;
	if (count < 1 || count > 64) {
		fprintf(stderr, "usage: load [-w PID] [-f] [-r SEED] [-i INITIATORS] [-p PLACES] "
				"SHELF SLOT INTERFACE[,...] BYTES read|write STAGE...\n");
		return 2;
	}
	bytes = atoi(word[3]);
	writes = strcmp(word[4], "write") == 0;
	if (bytes < SECTOR || bytes % SECTOR != 0 || HEADER + bytes > FRAME_BYTES || initiators < 1 || initiators > 256)
		return 2;
	for (int i = 0; i < count; i++) {
		stages[i] = parse_stage(word[5 + i]);
		if (stages[i].depth > deepest)
			deepest = stages[i].depth;
	}
	int room = MOST;
	for (char *name = strtok(word[2], ","); name != NULL && way_count < WAYS; name = strtok(NULL, ",")) {
		int own = open_way(&ways[way_count++], name, atoi(word[0]), atoi(word[1]), deepest);
		if (own > 0 && own < room)
			room = own;
	}
	for (int i = 0; i < bytes; i++)
		data[i] = below(256);
	for (int slot = 0; slot < MOST; slot++) {
		tags[slot] = 0x80000000u + slot;
		pieces[slot][0] = (struct iovec){ heads[slot], writes ? HEADER : SHORTEST };
		pieces[slot][1] = (struct iovec){ data, bytes };
	}
	printf("{\"way\":\"sendmmsg\",\"stages\":[");
	for (int i = 0; i < count; i++) {
		stage = stages[i];
		if (stage.depth > room)
			stage.depth = room;
		const struct stage *next = &stages[i + 1];
		struct found found = run(i + 1 == count || next->depth != stages[i].depth ||
					 next->from != stage.from || next->count != stage.count || stage.kind == 'o');
		if (stage.kind == 'o' && done < (uint64_t)stage.count) {
			fprintf(stderr, "Not every place was read in time\n");
			return 6;
		}
		if (stage.kind == 'm') {
			tell(&found, first);
			first = 0;
		}
	}
	printf("]}\n");
	return 0;
}
