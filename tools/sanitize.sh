#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
#
# sanitize.sh PYTHON JOBS: the C++ tests under ASan and UBSan (build-asan), then the QA of the threaded
# C++ blocks under TSan (build-tsan).  GNU Radio itself is not instrumented: what it alone does is left out
# by tests/fuzz/tsan.txt, each line with its reason.
set -euo pipefail
python=$1 jobs=$2
common="-fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS"

configure() { # FOLDER FLAGS
    cmake -S . -B "$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPYTHON_EXECUTABLE=/usr/bin/python3 \
        -DCMAKE_CXX_FLAGS="$2 $common" > /dev/null
}

build() { # FOLDER OPTIONS; grep fails where there was nothing to build
    cmake --build "$@" --parallel "$jobs" | { grep -v "Built target" || true; }
}

echo "== ASan and UBSan: the C++ tests"
configure build-asan "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
for tests in cpp fuzz; do
    build build-asan/tests/$tests
done
ctest --test-dir build-asan --output-on-failure

echo "== TSan: the blocks' QA"
configure build-tsan "-fsanitize=thread"
build build-tsan --target semcom_python semcom_test_package
# a block's thread is one of GNU Radio's: what they share with each other goes through its buffers;
# reports go into a file, since pytest keeps what a test that passes has printed
rm -f build-tsan/report*
PYTHONPATH=build-tsan/test_modules OMP_NUM_THREADS=1 LD_PRELOAD=$(gcc -print-file-name=libtsan.so) \
    TSAN_OPTIONS="suppressions=$PWD/tests/fuzz/tsan.txt exitcode=66 report_thread_leaks=0 log_path=build-tsan/report" \
    "$python" -m pytest -q -p no:cacheprovider tests/qa_pilot_inserter_cc.py tests/qa_ls_estimator_cc.py \
    tests/qa_mimo_detector_cc.py tests/qa_mimo_receiver_cc.py tests/qa_mimo_channel_cc.py \
    tests/qa_frame_sync_cc.py tests/qa_coding_blocks.py || { status=$?; cat build-tsan/report*; exit $status; }
