/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/writers.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#define SERVER_UID 33
#define SERVER_GID 44

/* What a server of user 33 and group 44 can do to a directory. NULL: nothing. */
static const struct {
    uid_t uid;
    gid_t gid;
    mode_t mode;
    const char *write;
    const char *replace;    /* what others have in it */
} directories[] = {
    {0, 0, 0755, NULL, NULL},
    {0, 0, 0775, NULL, NULL},
    {0, SERVER_GID, 0755, NULL, NULL},
    {0, SERVER_GID, 0775, "chmod g-w", "chmod g-w"},
    {0, SERVER_GID, 01775, "chmod g-w", NULL},
    {0, 0, 0757, "chmod o-w", "chmod o-w"},
    {0, 0, 0777, "chmod o-w", "chmod o-w"},
    {0, 0, 01777, "chmod o-w", NULL},
    {SERVER_UID, 0, 0555, "chown root", "chown root"},
    {SERVER_UID, 0, 01777, "chown root", "chown root"},
    {SERVER_GID, SERVER_UID, 0775, NULL, NULL},
};

static void check_remedy(const samlc_writer_t *found, const char *remedy)
{
    if (remedy) {
        ck_assert_ptr_nonnull(found);
        ck_assert_str_eq(found->remedy, remedy);
    }
    else {
        ck_assert_ptr_null(found);
    }
}

START_TEST(who_can_write)
{
    struct stat st;

    memset(&st, 0, sizeof(st));
    st.st_uid = directories[_i].uid;
    st.st_gid = directories[_i].gid;
    st.st_mode = S_IFDIR | directories[_i].mode;
    check_remedy(samlc_writer_of(&st, SERVER_UID, SERVER_GID), directories[_i].write);
    check_remedy(samlc_replacer_of(&st, SERVER_UID, SERVER_GID), directories[_i].replace);
}
END_TEST

START_TEST(nobody_is_no_owner)
{
    struct stat st;

    memset(&st, 0, sizeof(st));
    st.st_mode = S_IFDIR | 0775;
    ck_assert_ptr_null(samlc_writer_of(&st, (uid_t)-1, (gid_t)-1));
    st.st_mode = S_IFDIR | 0777;
    check_remedy(samlc_writer_of(&st, (uid_t)-1, (gid_t)-1), "chmod o-w");
}
END_TEST

START_TEST(read_only_file_system_is_told)
{
    int memory = open(test_dir(test_pool()), O_PATH | O_CLOEXEC);

    ck_assert_int_ge(memory, 0);
    ck_assert(!samlc_is_mounted_read_only(memory));
    close(memory);
    ck_assert(!samlc_is_mounted_read_only(memory));    /* what can't be asked is not */
}
END_TEST

Suite *suite_writers(void)
{
    Suite *suite = suite_create("writers");
    TCase *tc = tcase_create("writers");

    tcase_add_loop_test(tc, who_can_write, 0, sizeof(directories) / sizeof(directories[0]));
    tcase_add_test(tc, nobody_is_no_owner);
    tcase_add_test(tc, read_only_file_system_is_told);
    suite_add_tcase(suite, tc);
    return suite;
}
