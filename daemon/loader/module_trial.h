/* SPDX-License-Identifier: MIT */
/*
 * Master. Runs a module's code in a child first, so that a module that crashes, ends the process, or never returns
 * harms the child and not the master.
 */
#ifndef PREFORKD_LOADER_MODULE_TRIAL_H
#define PREFORKD_LOADER_MODULE_TRIAL_H

struct err;

/*
 * Calls STEPS(arg) in a child and waits for it, 10 s at most; then the child and its process group are killed. 0 if
 * STEPS returned 0. -1 and *err: STEPS returned -1 with this *err, crashed, ended the process, or did not return.
 */
int module_trial_run(int (*steps)(void *arg, struct err *err), void *arg, struct err *err);

/* In the child: names the step that begins, for the message about a crash: "while it was loaded". */
void module_trial_step(const char *what);

#endif
