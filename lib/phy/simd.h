/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_SIMD_H
#define INCLUDED_SEMCOM_PHY_SIMD_H

// Compiles a plain loop once for each vector instruction set and picks one at load time,
// so that a package built for any x86-64 is fast on a new one. The files that use it are
// compiled without fused multiply-add contraction: every variant gives the same bits.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SEMCOM_SIMD __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define SEMCOM_SIMD
#endif

#endif
