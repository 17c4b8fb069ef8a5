/// Debian's CAF is not instrumented: its reference counts hide happens-before edges from ThreadSanitizer. These two name
/// the edges where an object of ours changes hands through CAF; without the sanitizer they are nothing.
#pragma once

#if defined(__SANITIZE_THREAD__)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#define REVEILLE_HANDS_OVER(p) __tsan_release(p)
#define REVEILLE_TAKES_OVER(p) __tsan_acquire(p)
#else
#define REVEILLE_HANDS_OVER(p) static_cast<void>(p)
#define REVEILLE_TAKES_OVER(p) static_cast<void>(p)
#endif
