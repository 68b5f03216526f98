#!/bin/sh
# embed.sh NAME FILE: prints a C header that holds the file as `static const char NAME[]`,
# ended by a zero byte. An array, not a literal: C11 promises only 4095 bytes of literal.
set -eu
echo "/* Made from $2 by scripts/embed.sh. */"
echo "static const char $1[] = {"
od -An -v -tx1 "$2" | sed "s/ \([0-9a-f][0-9a-f]\)/'\\\\x\1',/g"
echo "0};"
