// SPDX-License-Identifier: Apache-2.0

// A child without libc, so that the cost of the runner itself is visible. `child` does nothing; `child SIZE NUMBER` writes
// SIZE bytes that repeat NUMBER, in blocks of 4096 bytes as stdio does.
static long call3(long number, long a, const void *b, long c) {
    long result;
#if defined(__x86_64__)
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x2 __asm__("x2") = c;
    register const void *x1 __asm__("x1") = b;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    result = x0;
#else
#error "no system call for this processor"
#endif
    return result;
}

#if defined(__x86_64__)
enum { WRITE = 1, EXIT = 231 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall begin");
#else
enum { WRITE = 64, EXIT = 94 };
__asm__(".globl _start\n_start: mov x0, sp\nbl begin");
#endif

static long decimal(const char *text) {
    long value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + *text++ - '0';
    return value;
}

__attribute__((used, noreturn)) void begin(const long *stack) {
    const char *const *arguments = (const char *const *)(stack + 1);
    long left = stack[0] < 3 ? 0 : decimal(arguments[1]);
    char block[4096];
    long length = 0, at = 0;
    if (left > 0) while (arguments[2][length]) length++;
    while (left > 0) {
        long count = left < (long)sizeof block ? left : (long)sizeof block;
        for (long i = 0; i < count; i++, at++) block[i] = at % (length + 1) < length ? arguments[2][at % (length + 1)] : '\n';
        for (long done = 0; done < count;) {
            long wrote = call3(WRITE, 1, block + done, count - done);
            if (wrote <= 0) call3(EXIT, 1, 0, 0);
            done += wrote;
        }
        left -= count;
    }
    for (;;) call3(EXIT, 0, 0, 0);
}
