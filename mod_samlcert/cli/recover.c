/* SPDX-License-Identifier: Apache-2.0 */
/* recover: the rest of a change that was interrupted. And who makes changes. */
#include <apr_strings.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "core/history/change.h"

const char *ctl_author(apr_pool_t *p)
{
    const char *caller = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *user = getpwuid(getuid());

    if (caller && *caller != '\0') {
        return apr_pstrcat(p, caller, " (sudo)", NULL);
    }
    return user ? apr_pstrdup(p, user->pw_name) : apr_psprintf(p, "uid %ld", (long)getuid());
}

int samlc_cmd_recover(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    samlc_source_t source;
    int was_needed = 0;

    (void)argv;
    if (argc > 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (ctl_source(&source, ctl, res) != APR_SUCCESS
        || samlc_change_recover(&was_needed, &source, res, ctl->pool) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    puts(was_needed ? "The change that was interrupted is carried out."
                    : "No change was interrupted.");
    return CTL_OK;
}
