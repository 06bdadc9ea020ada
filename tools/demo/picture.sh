#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# picture.sh MODULE MBOXCTL SVG - the picture in README.md: `mboxctl top` in a virtual machine,
# beside some traffic.
set -euo pipefail

module=$1 mboxctl=$2 svg=$3
vm=$(dirname "$(realpath "$0")")/../../selftests/vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir -p "$tmp/root/bin"
cp "$mboxctl" "$tmp/root/bin"
ldd "$mboxctl" | sed -nE 's|^\t(.* => )?(/[^ ]*) \(.*|\2|p' | while read -r library; do
	install -D "$library" "$tmp/root$library"
done
cat > "$tmp/script" <<'SCRIPT'
exec 2> /dev/null
again() { while :; do "$@"; sleep 0.2; done; }
orders() { seq 200 | mboxctl send --lines orders; }
log() { seq 500 | mboxctl send --lines log; }
mboxctl create orders
mboxctl create --drop --max-messages 100 log
mboxctl create backup
mboxctl serve --create -n 2 thumbnails -- md5sum &
mboxctl recv --follow orders > /dev/null &
again orders &
again log &
again mboxctl call thumbnails 'a picture' > /dev/null &
sleep 2
mboxctl top -b -d 2 -n 2 > $OUT
SCRIPT
"$vm/run.sh" --module "$module" --files "$tmp/root" --script "$tmp/script" --out "$tmp/out"

# The last of the two samples, the first of which knows no rates.
{ echo '$ mboxctl top'; awk '/^NAME/ { n = 0 } { line[n++] = $0 }
	END { for (i = 0; i < n; i++) print line[i] }' "$tmp/out"; } > "$tmp/text"
awk '
	{ gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;"); line[NR] = $0 }
	length($0) > width { width = length($0) }
	END {
		printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n",
			9 * width + 32, 20 * NR + 24
		print "<!-- SPDX-License-Identifier: MIT -->"
		print "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1b1f24\"/>"
		print "<g font-family=\"monospace\" font-size=\"15\" fill=\"#e6e6e6\" xml:space=\"preserve\">"
		for (i = 1; i <= NR; i++)
			printf "<text x=\"16\" y=\"%d\"%s>%s</text>\n", 20 * i + 8,
				i == 2 ? " font-weight=\"bold\"" : "", line[i]
		print "</g>\n</svg>"
	}' "$tmp/text" > "$svg"
