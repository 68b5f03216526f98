/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <parley/app.h>
#include <parley/core/options.h>

int main(int argc, char **argv)
{
    struct options options;
    int code;

    switch (options_read(argc, argv, stdout, stderr, &options)) {
    case OPTIONS_SHOWN:
        return 0;
    case OPTIONS_REFUSED:
        return 2;
    case OPTIONS_OK:
        break;
    }
    code = app_run(&options);
    options_done(&options);
    return code;
}
