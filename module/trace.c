// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code that trace.h stands for.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
