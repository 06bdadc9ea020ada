// SPDX-License-Identifier: MIT
/*
 * A terminal that shows one picture after the other, and is as before afterwards, however
 * we end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "mboxctl.h"

/* The other screen, no cursor, no wrapping of long lines; and back. */
#define ENTER	"\033[?1049h\033[?25l\033[?7l"
#define LEAVE	"\033[?7h\033[?25h\033[?1049l"

static struct {
	bool on;
	struct termios before;
	sigset_t signals;
	struct pollfd fds[2];	/* keys, signals */
} screen;

static void put(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

static void take(void)
{
	struct termios t;

	screen.on = true;
	if (!tcgetattr(STDIN_FILENO, &screen.before)) {
		t = screen.before;
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
		screen.fds[0].fd = STDIN_FILENO;
	}
	put(ENTER);
}

/* Does nothing if it was not begun. */
void screen_end(void)
{
	if (!screen.on)
		return;
	screen.on = false;
	put(LEAVE);
	if (screen.fds[0].fd >= 0)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
}

/* Standard output is a terminal; if standard input is one, keys come from there. */
void screen_begin(void)
{
	static const int signals[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH
	};
	unsigned int i;
	int fd;

	sigemptyset(&screen.signals);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&screen.signals, signals[i]);
	sigprocmask(SIG_BLOCK, &screen.signals, NULL);
	fd = signalfd(-1, &screen.signals, SFD_CLOEXEC);
	if (fd < 0)
		exit(refuse(errno, "cannot wait for signals", NULL));
	screen.fds[0] = (struct pollfd){ .fd = -1, .events = POLLIN };
	screen.fds[1] = (struct pollfd){ .fd = fd, .events = POLLIN };
	atexit(screen_end);
	take();
}

void screen_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize w = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	*rows = w.ws_row ?: 24;
	*columns = w.ws_col ?: 80;
}

/* As many of the text's lines as there is room for, in the place of what was there. */
void screen_show(const char *text, unsigned int rows)
{
	size_t len;

	fputs("\033[H", stdout);
	for (; *text && rows; rows--) {
		len = strcspn(text, "\n");
		printf("\033[K%.*s%s", (int)len, text, rows > 1 ? "\r\n" : "");
		text += len + (text[len] == '\n');
	}
	put(rows ? "\033[J" : "");
}

/* What the signal does by default, with the terminal as it was. */
static int obey(void)
{
	struct signalfd_siginfo info;

	if (read(screen.fds[1].fd, &info, sizeof(info)) != sizeof(info))
		exit(refuse(errno, "cannot wait for signals", NULL));
	if (info.ssi_signo == SIGWINCH)
		return KEY_RESIZED;
	screen_end();
	sigprocmask(SIG_UNBLOCK, &screen.signals, NULL);
	raise((int)info.ssi_signo);
	/* It was SIGTSTP, and we go on. */
	sigprocmask(SIG_BLOCK, &screen.signals, NULL);
	take();
	return KEY_RESIZED;
}

/* A key, KEY_RESIZED, or KEY_NONE when the time in ns has passed. */
int screen_wait(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / NS, .tv_nsec = ns % NS };
	unsigned char key;
	int n;

	if (ns < 0)
		t = (struct timespec){ 0 };
	n = ppoll(screen.fds, ARRAY_SIZE(screen.fds), &t, NULL);
	if (n <= 0)
		return KEY_NONE;
	if (screen.fds[1].revents)
		return obey();
	if (read(STDIN_FILENO, &key, 1) == 1)
		return key;
	screen.fds[0].fd = -1; /* the end of it */
	return KEY_NONE;
}
