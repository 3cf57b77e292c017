// Tells ThreadSanitizer about Synchronization.Mutex. script/sanitize links it into what it builds.
//
// The fast paths of Mutex are inlined into instrumented code: the sanitizer sees their atomics. The slow paths, which a
// contended Mutex takes, are in libswiftSynchronization.so, which is not instrumented: it sees no order between
// one thread's unlock and the next one's lock, and reports whatever the Mutex protects. `ld --wrap` leads our calls of
// these two functions through here. Nothing is suppressed: what is unprotected is reported, and so is what two
// different mutexes protect. _tryLockSlow has no wrapper since nobody calls withLockIfAvailable.
//
// The symbols are part of the Swift ABI. Should a later Swift call others, the probe of script/sanitize fails.
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
