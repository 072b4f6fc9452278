// SPDX-License-Identifier: Apache-2.0
#ifndef CFORKPOOL_RAW_H
#define CFORKPOOL_RAW_H

#include <sys/syscall.h>

/// Calls of the kernel without the C library, for code that must not write `errno`, or that a fresh child runs: a function
/// of the library lies on pages of its own, each of which costs that child a page fault.

/// A sanitizer's own memory belongs to the thread that a guard borrows from.
#ifdef __clang__
#define RAW_CODE __attribute__((disable_sanitizer_instrumentation, no_stack_protector))
#else
#define RAW_CODE
#endif

/// Calls the kernel. Returns a negative errno, as the kernel does.
RAW_CODE static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#endif
}

#endif
