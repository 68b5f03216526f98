/* SPDX-License-Identifier: MIT */
/* --hash-password */
#include "core/option_row.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <parley/util/password.h>
#include <parley/util/rng.h>

/* The first line of standard input without its end, unseen on a terminal; `size` counts the
 * terminator. What does not fit makes it `size` bytes long: too long. */
static size_t read_secret(char *to, size_t size, FILE *err)
{
    struct termios before;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;

    if (is_terminal) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("Password: ", err);
        (void)fflush(err);
    }
    to[0] = '\0';
    bool is_read = fgets(to, (int)size, stdin) != NULL;
    if (is_terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', err);
    }
    return is_read ? strcspn(to, "\r\n") : 0;
}

bool options_show_hash(FILE *out, FILE *err)
{
    char password[PASSWORD_BYTES_MAX + 3]; /* and CR LF, or a byte too much */
    char hash[PASSWORD_HASH_SIZE];

    rng_init();
    size_t len = read_secret(password, sizeof password, err);
    bool is_made = password_hash(sv(password, len), hash);

    explicit_bzero(password, sizeof password);
    if (is_made) {
        fprintf(out, "%s\n", hash);
    } else {
        fprintf(err, "parleyd: a password has 1 to %d bytes\n", PASSWORD_BYTES_MAX);
    }
    return is_made;
}
