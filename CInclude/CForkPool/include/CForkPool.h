#ifndef CFORKPOOL_H
#define CFORKPOOL_H

/// The shim between ForkPool and the kernel.
///
/// Every function here exists because Swift cannot express it: the call is hidden from Swift's Glibc import
/// (variadic, a macro, or only declared under _GNU_SOURCE), or it runs where no Swift code may run, between a
/// fork and the body or in a signal handler. A function named `cforkpool_NAME` stands for the call NAME.
/// Functions that can fail return a negative errno, so that nobody reads `errno` across the language border.

#include "CForkPoolStart.h"
#include "CForkPoolTemplate.h"
#include "CForkPoolExec.h"
#include "CForkPoolWorker.h"
#include "CForkPoolWait.h"
#include "CForkPoolMemory.h"
#include "CForkPoolMachine.h"
#include "CForkPoolInjection.h"

#endif
