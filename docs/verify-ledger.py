#!/usr/bin/env python3
"""Verifies the chain of a Regen ledger with nothing but SHA-256: verify-ledger.py DIRECTORY"""
import glob, hashlib, re, sys

head, seq = "0" * 64, 0
for path in sorted(glob.glob(sys.argv[1] + "/*.jsonl")):
    for number, line in enumerate(open(path, "rb"), 1):
        form = re.match(rb'\{"prev":"([0-9a-f]{64})","seq":(\d+),[ -~]*\}\n$', line)
        if not form or form[1].decode() != head or int(form[2]) != seq or len(line) > 4096:
            sys.exit(f"{path}:{number}: record {seq} or the one before it is not as it was written")
        head, seq = hashlib.sha256(line).hexdigest(), seq + 1
print(f"{seq} records, head {head}")
