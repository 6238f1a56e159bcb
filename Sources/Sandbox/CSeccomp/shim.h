#pragma once
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define AFTERSHOCK_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AFTERSHOCK_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/// From now on this process and what it starts are told that every change of a file's owner has been made, and none is (seccomp(2)).
/// Returns 0, or -1 with errno. prctl takes its arguments as C's variadic functions do, which Swift cannot call.
static inline int aftershock_ignore_owner_changes(void) {
#ifdef AFTERSHOCK_ARCHITECTURE
#define AFTERSHOCK_IGNORE(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AFTERSHOCK_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_chown
        AFTERSHOCK_IGNORE(SYS_chown),
        AFTERSHOCK_IGNORE(SYS_lchown),
#endif
        AFTERSHOCK_IGNORE(SYS_fchown),
        AFTERSHOCK_IGNORE(SYS_fchownat),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
#else
    return 0;
#endif
}
