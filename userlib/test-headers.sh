#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compiles <mbox.h> alone and together with <linux/mbox.h>, in both orders, as
# strict C and as C++. The arguments are options for the compilers.
set -e

compile()
{
	compiler=$1
	shift
	for headers in mbox.h "mbox.h linux/mbox.h" "linux/mbox.h mbox.h"; do
		for header in $headers; do
			echo "#include <$header>"
		done | $compiler -fsyntax-only -Wall -Wextra -Werror \
			-pedantic-errors "$@" -
	done
}

compile "${CC:-gcc}" -x c -std=c11 "$@"
if ${CXX:-g++} --version >/dev/null 2>&1; then
	compile "${CXX:-g++}" -x c++ -std=c++11 "$@"
fi
