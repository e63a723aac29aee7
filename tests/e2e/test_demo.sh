#!/bin/bash
# README's first command, ending by itself: every answer must be the expected one.
cd "$(dirname "$0")/../.." || exit
exec contrib/demo --once
