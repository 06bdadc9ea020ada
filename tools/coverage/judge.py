#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""judge.py COVERAGE.json UNREACHED.list TREE: gcovr's figures against what is asked for.

A line of the list names a line of the module that no test reaches, by file, function and
text, and says why; the columns are separated by tabs. Lines that are neither reached nor
listed, and entries that fit no line at all, are shown as failures, as are totals below
95 % of the lines and 85 % of the branches. A listed line may be reached: some are by luck.
"""
import json
import os
import sys

LINES, BRANCHES = 95.0, 85.0


def read_list(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                where, text, reason = line.rstrip("\n").split("\t")
                yield (where, text), reason


def function_at(functions, number):
    name = "?"
    for function in sorted(functions, key=lambda f: f["lineno"]):
        if function["lineno"] <= number:
            name = function["name"]
    return name


def main():
    coverage, listed, tree = sys.argv[1:]
    explained = dict(read_list(listed))
    unused = set(explained)
    complaints = []
    lines = reached = branches = taken = 0

    with open(coverage, encoding="utf-8") as file:
        files = json.load(file)["files"]
    for entry in files:
        name = entry["file"]
        with open(os.path.join(tree, name), encoding="utf-8") as file:
            source = file.read().split("\n")
        for line in entry["lines"]:
            if line.get("gcovr/noncode"):
                continue
            number = line["line_number"]
            text = source[number - 1].strip()
            key = (f"{name}:{function_at(entry.get('functions', []), number)}", text)
            unused.discard(key)
            lines += 1
            branches += len(line["branches"])
            taken += sum(branch["count"] > 0 for branch in line["branches"])
            if line["count"]:
                reached += 1
                continue
            if key not in explained:
                complaints.append(f"{name}:{number}: not reached: {key[0]}\t{text}")

    for where, text in sorted(unused):
        complaints.append(f"unreached.list: {where}: there is no such line: {text}")
    for what, part, whole, goal in (("lines", reached, lines, LINES),
                                    ("branches", taken, branches, BRANCHES)):
        percent = 100 * part / max(whole, 1)
        print(f"  {what}: {part} of {whole}, {percent:.1f} %")
        if percent < goal:
            complaints.append(f"less than {goal} % of the {what}")
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{2 if not complaints else 1} passed, {len(complaints)} failed")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
