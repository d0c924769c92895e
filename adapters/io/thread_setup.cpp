#include "adapters/io/thread_setup.hpp"

#include <pthread.h>

#include <initializer_list>

namespace muster {

BlockedSignals::BlockedSignals() {
  sigset_t set;
  sigfillset(&set);
  for (const int sig : {SIGCHLD, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
    sigdelset(&set, sig);
  }
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

BlockedSignals::~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void name_this_thread(const char* name) noexcept { pthread_setname_np(pthread_self(), name); }

}  // namespace muster
