#!/usr/bin/python3
"""Expand NAME.seeds into files for libFuzzer: seeds_to_corpus.py NAME.seeds FOLDER"""
import os
import sys

os.makedirs(sys.argv[2], exist_ok=True)
with open(sys.argv[1]) as f:
    for i, line in enumerate(f):
        text = line.split("#")[0].replace(" ", "").strip()
        if text:
            with open(f"{sys.argv[2]}/seed{i:04d}", "wb") as out:
                out.write(bytes.fromhex(text))
