// Makes ThreadSanitizer understand Synchronization.Mutex. script/sanitize links it into its builds.
//
// The fast paths of Mutex are inlined into instrumented code, where the sanitizer sees their atomics. The slow paths,
// for a contended Mutex, are in libswiftSynchronization.so, which is not instrumented: the sanitizer sees no order
// between one thread's unlock and the next one's lock, and reports the protected data as a race. `ld --wrap` redirects
// our calls of these two functions to this file. Nothing is suppressed: unprotected data is still reported, and so is
// data protected by two different mutexes. _tryLockSlow has no wrapper, because withLockIfAvailable is not used.
//
// The symbols are part of the Swift ABI. If a later Swift calls other functions, the probe of script/sanitize fails.
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex

void __tsan_acquire(void *address);
void __tsan_release(void *address);

// _MutexHandle._lockSlow(UInt32)
SWIFT void lock(uint32_t thread, SELF) __asm__("__real_$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void lock_seen(uint32_t thread, SELF) __asm__("__wrap_$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");

// _MutexHandle._unlockSlow()
SWIFT void unlock(SELF) __asm__("__real_$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
SWIFT void unlock_seen(SELF) __asm__("__wrap_$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

SWIFT void lock_seen(uint32_t thread, SELF) {
    lock(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT void unlock_seen(SELF) {
    __tsan_release(mutex);
    unlock(mutex);
}
