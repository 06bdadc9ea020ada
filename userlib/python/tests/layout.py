# SPDX-License-Identifier: MIT
"""Prints a C program that tells what the compiler knows of <mbox.h>: a line a struct, field and
constant. The argument is the folder of the headers."""

import pathlib
import re
import sys


def main():
    include = pathlib.Path(sys.argv[1])
    text = "".join(path.read_text() for path in sorted(include.glob("mbox/*.h")))
    print("#include <mbox.h>\n#include <stdio.h>\nint main(void)\n{")
    for struct, body in re.findall(r"^struct (mbox_\w+) \{\n(.*?)^\};", text, re.S | re.M):
        print(f'printf("struct {struct} 0 %zu\\n", sizeof(struct {struct}));')
        for field in re.findall(r"(\w+)(?:\[\w+\])?;", body):
            print(f'printf("{struct}.{field} %zu %zu\\n", offsetof(struct {struct}, {field}),'
                  f"sizeof(((struct {struct} *)0)->{field}));")
    for constant in re.findall(r"^#define (MBOX_\w+)[ \t]", text, re.M):
        print(f'printf("{constant} 0 %llu\\n", (unsigned long long){constant});')
    print("return 0;\n}")


main()
