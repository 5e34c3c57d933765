/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/change.h"

#include <apr_strings.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/history/journal.h"
#include "make_cert.h"
#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define CONF "EntityID https://idp.example.org/one\n"

/* ---- A trust directory to change ---- */

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_source_t source;
static samlc_change_t *change;
static test_cert_t *one, *two, *own;

static const char *at(const char *name)
{
    return test_path(p, source.dir, name);
}

static int is_there(const char *name)
{
    struct stat st;

    return lstat(at(name), &st) == 0;
}

static const char *content_of(const char *name)
{
    char *text = apr_pcalloc(p, 65536);
    int fd = open(at(name), O_RDONLY);

    if (fd < 0) {
        return "";
    }
    ck_assert_int_ge(read(fd, text, 65535), 0);
    close(fd);
    return text;
}

static int mode_of(const char *name)
{
    struct stat st;

    ck_assert_int_eq(lstat(at(name), &st), 0);
    return (int)(st.st_mode & 07777);
}

static const samlc_data_t *data(const char *text)
{
    samlc_data_t *d = apr_palloc(p, sizeof(*d));

    *d = test_data(text, "test");
    return d;
}

/* Names that begin with a dot, but for those that are to stay. */
static int count_leftovers(void)
{
    DIR *dir = opendir(source.dir);
    const struct dirent *entry = NULL;
    int count = 0;

    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0
                 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, ".lock") != 0
                 && strcmp(entry->d_name, ".history") != 0;
    }
    closedir(dir);
    return count;
}

static void setup(void)
{
    static const char *const dirs[] = {"idp", "idp/one", "sp", "sp/default"};
    int i = 0;

    p = test_pool();
    res = samlc_result_make(p);
    memset(&source, 0, sizeof(source));
    source.dir = test_dir(p);
    one = test_cert_make(&(test_cert_spec_t){.cn = "one", .key_type = "EC"}, p);
    two = test_cert_make(&(test_cert_spec_t){.cn = "two", .key_type = "EC"}, p);
    own = test_cert_make(&(test_cert_spec_t){.cn = "own", .key_type = "EC"}, p);
    for (i = 0; i < COUNT(dirs); i++) {
        ck_assert_int_eq(mkdir(at(dirs[i]), 0755), 0);
    }
    test_write(at("idp/one/idp.conf"), CONF);
    test_write(at("idp/one/primary.pem"), one->pem);
    test_write(at("sp/default/active.key"), own->key_pem);
    test_write(at("sp/default/active.crt"), own->pem);
    ck_assert_int_eq(chmod(at("sp/default/active.key"), 0600), 0);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

static void works(apr_status_t rv)
{
    ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
}

static void fails(apr_status_t rv, const char *mention)
{
    ck_assert_int_ne(rv, APR_SUCCESS);
    ck_assert_msg(strstr(res->message, mention) != NULL, "no %s in: %s", mention, res->message);
}

static void begin(void)
{
    works(samlc_change_begin(&change, &source, res, p));
}

static apr_status_t check(void)
{
    samlc_snapshot_t *candidate = NULL;
    apr_status_t rv = samlc_change_check(&candidate, change, TEST_NOW, res);

    ck_assert_int_eq(rv == APR_SUCCESS, candidate != NULL);
    if (candidate) {
        samlc_snapshot_destroy(candidate);
    }
    return rv;
}

static void commit(void)
{
    works(check());
    works(samlc_change_commit(change, apr_array_make(p, 1, sizeof(samlc_record_t)), res));
    samlc_change_end(change);
    ck_assert_int_eq(count_leftovers(), 0);
}

static const char *digest(const samlc_source_t *from)
{
    samlc_snapshot_t *loaded = NULL;
    const char *hex = NULL;

    works(samlc_snapshot_load(&loaded, from, NULL, NULL, TEST_NOW, res, p));
    hex = apr_pstrdup(p, loaded->digest_hex);
    samlc_snapshot_destroy(loaded);
    return hex;
}

/* ---- What is said is what comes ---- */

START_TEST(nothing_is_written_before_commit)
{
    const char *before = digest(&source);

    begin();
    works(samlc_change_put(change, "idp/one/staged.pem", data(two->pem), res));
    works(samlc_change_remove(change, "idp/one/primary.pem", res));
    works(check());
    ck_assert_str_eq(digest(&source), before);
    samlc_change_end(change);
    ck_assert_str_eq(digest(&source), before);
    ck_assert_int_eq(count_leftovers(), 0);
}
END_TEST

START_TEST(put_move_and_remove)
{
    begin();
    works(samlc_change_put(change, "idp/one/staged.pem", data(two->pem), res));
    works(samlc_change_move(change, "idp/one/primary.pem", "idp/one/retired.pem", res));
    works(samlc_change_move(change, "idp/one/staged.pem", "idp/one/primary.pem", res));
    works(samlc_change_put(change, "idp/new/idp.conf", data("EntityID https://b.example\n"), res));
    works(samlc_change_put(change, "idp/new/roots/ca.pem", data(two->pem), res));
    commit();
    ck_assert_str_eq(content_of("idp/one/primary.pem"), two->pem);
    ck_assert_str_eq(content_of("idp/one/retired.pem"), one->pem);
    ck_assert(!is_there("idp/one/staged.pem"));
    ck_assert_str_eq(content_of("idp/new/roots/ca.pem"), two->pem);
    ck_assert_int_eq(mode_of("idp/new"), 0755);

    begin();
    works(samlc_change_remove(change, "idp/new", res));
    works(samlc_change_remove(change, "idp/new/roots", res));
    works(samlc_change_remove(change, "idp/new/roots/ca.pem", res));
    works(samlc_change_remove(change, "idp/new/idp.conf", res));
    works(samlc_change_remove(change, "idp/one/retired.pem", res));
    commit();
    ck_assert(!is_there("idp/new") && !is_there("idp/one/retired.pem"));
}
END_TEST

START_TEST(what_is_checked_is_what_comes)
{
    samlc_snapshot_t *candidate = NULL;
    const char *promised = NULL;

    begin();
    works(samlc_change_put(change, "idp/one/idp.conf",
                           data(CONF "SignCerts @pins\nMetadata ../../gone\n"), res));
    fails(check(), "gone");    /* named where it would be */
    fails(check(), source.dir);
    works(samlc_change_put(change, "idp/one/idp.conf", data(CONF "SignCerts @pins\n"), res));
    works(samlc_change_put(change, "idp/one/pins",
                           data("CERT_VALIDATION:IGNORE_TRUST,"
                                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"), res));
    works(samlc_change_check(&candidate, change, TEST_NOW, res));
    promised = apr_pstrdup(p, candidate->digest_hex);
    samlc_snapshot_destroy(candidate);
    works(samlc_change_commit(change, apr_array_make(p, 1, sizeof(samlc_record_t)), res));
    ck_assert_str_eq(digest(&source), promised);
}
END_TEST

/* Files elsewhere that settings name are part of what is judged. */
START_TEST(files_outside_are_looked_at)
{
    const char *beside = apr_pstrcat(p, source.dir, "-pins", NULL);

    begin();
    works(samlc_change_put(change, "idp/one/idp.conf",
                           data(apr_pstrcat(p, CONF "SignCerts @", beside, "\n", NULL)), res));
    fails(check(), beside);
    test_write(beside, "nonsense\n");
    fails(check(), "nonsense");
    test_write(beside, "CERT_VALIDATION:IGNORE_TRUST,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
    commit();
    ck_assert_int_eq(unlink(beside), 0);
}
END_TEST

START_TEST(owner_and_permissions)
{
    begin();
    works(samlc_change_put(change, "sp/default/active.key", data(own->key_pem), res));
    works(samlc_change_put(change, "sp/default/next.key", data(own->key_pem), res));
    works(samlc_change_put(change, "sp/default/next.crt", data(own->pem), res));
    works(samlc_change_put(change, "sp/more/active.key", data(own->key_pem), res));
    works(samlc_change_put(change, "sp/more/active.crt", data(own->pem), res));
    commit();
    ck_assert_int_eq(mode_of("sp/default/active.key"), 0600);    /* as it was */
    ck_assert_int_eq(mode_of("sp/default/next.key"), 0600);      /* as its neighbour */
    ck_assert_int_eq(mode_of("sp/default/next.crt"), 0644);
    ck_assert_int_eq(mode_of("sp/more/active.key"), 0640);
    begin();
    works(samlc_change_move(change, "sp/default/next.key", "sp/more/next.key", res));
    works(samlc_change_move(change, "sp/default/next.crt", "sp/more/next.crt", res));
    commit();
    ck_assert_int_eq(mode_of("sp/more/next.key"), 0600);         /* it brings them */
}
END_TEST

/* ---- What is refused, and leaves all as it was ---- */

START_TEST(broken_candidate_is_refused)
{
    begin();
    works(samlc_change_put(change, "idp/one/primary.pem", data("no certificate\n"), res));
    fails(check(), at("idp/one/primary.pem"));
    fails(samlc_change_commit(change, apr_array_make(p, 1, sizeof(samlc_record_t)), res),
          "not checked");
    ck_assert_str_eq(content_of("idp/one/primary.pem"), one->pem);
}
END_TEST

START_TEST(names_that_lead_elsewhere)
{
    static const char *const names[] = {"../x", "/etc/x", "idp/../../x", ".lock", "idp/.x",
                                        "idp//x", "", "idp/", ".journal", "idp/.."};
    int i = 0;

    begin();
    for (i = 0; i < COUNT(names); i++) {
        fails(samlc_change_put(change, names[i], data(""), res), "not a name");
        fails(samlc_change_remove(change, names[i], res), "not a name");
        fails(samlc_change_move(change, "idp/one/primary.pem", names[i], res), "not a name");
    }
    works(samlc_change_put(change, "idp/one/alternate-1..pem", data(two->pem), res));
}
END_TEST

START_TEST(links_are_not_written_through)
{
    ck_assert_int_eq(symlink("one", at("idp/linked")), 0);
    ck_assert_int_eq(symlink("primary.pem", at("idp/one/alternate.pem")), 0);
    begin();
    fails(samlc_change_put(change, "idp/linked/staged.pem", data(two->pem), res), "symbolic link");
    fails(samlc_change_put(change, "idp/one/alternate.pem", data(two->pem), res), "symbolic link");
    fails(samlc_change_put(change, "idp/one/idp.conf/x", data(two->pem), res), "no directory");
    fails(samlc_change_put(change, "idp/one", data(two->pem), res), "is no file");
}
END_TEST

START_TEST(a_directory_with_more_in_it_stays)
{
    test_write(at("idp/one/README"), "mine\n");
    begin();
    works(samlc_change_remove(change, "idp/one", res));
    works(samlc_change_remove(change, "idp/one/idp.conf", res));
    works(samlc_change_remove(change, "idp/one/primary.pem", res));
    fails(check(), "README");
    ck_assert_int_eq(unlink(at("idp/one/README")), 0);
    works(check());
}
END_TEST

START_TEST(somebody_else_edits_meanwhile)
{
    begin();
    works(samlc_change_put(change, "idp/one/staged.pem", data(two->pem), res));
    works(check());
    test_write(at("idp/one/idp.conf"), CONF "ClockSkew 5\n");
    fails(samlc_change_commit(change, apr_array_make(p, 1, sizeof(samlc_record_t)), res),
          "meanwhile");
    ck_assert(!is_there("idp/one/staged.pem"));
}
END_TEST

START_TEST(one_change_at_a_time)
{
    samlc_change_t *other = NULL;
    int status = 0;

    begin();
    if (fork() == 0) {
        apr_status_t rv = samlc_change_begin(&other, &source, res, p);

        _exit(APR_STATUS_IS_EAGAIN(rv) && !other ? 0 : 1);
    }
    ck_assert_int_gt(wait(&status), 0);
    ck_assert_int_eq(status, 0);
    samlc_change_end(change);
    begin();
}
END_TEST

/* ---- The record ---- */

START_TEST(the_record_grows)
{
    apr_array_header_t *records = apr_array_make(p, 1, sizeof(samlc_record_t));
    const samlc_record_t line = {digest(&source), TEST_NOW, "alice b\n%41", "rollback 41\nx"};
    const samlc_record_t *found = NULL;
    int i = 0;

    APR_ARRAY_PUSH(records, samlc_record_t) = line;
    for (i = 0; i < 450; i++) {
        APR_ARRAY_PUSH(records, samlc_record_t) = line;
    }
    begin();
    works(samlc_change_put(change, "idp/one/staged.pem", data(two->pem), res));
    works(check());
    works(samlc_change_commit(change, records, res));
    samlc_change_end(change);
    works(samlc_record_read(&records, source.dir, res, p));
    ck_assert_int_eq(records->nelts, 400);
    found = samlc_record_find(records, line.digest_hex);
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->author, line.author);
    ck_assert_str_eq(found->reason, "rollback 41\\x0ax");
    ck_assert_int_eq(found->at, TEST_NOW);
    ck_assert_ptr_null(samlc_record_find(records, "00"));
    ck_assert_int_eq(mode_of(".history"), 0644);
}
END_TEST

/* ---- What was interrupted ---- */

/* The state after `done` steps of five; the sixth is that the journal goes. */
static void interrupt_after(int done)
{
    samlc_journal_t *journal = samlc_journal_make(source.dir, ".change-abcdef", p);

    ck_assert_int_eq(mkdir(at(".change-abcdef"), 0700), 0);
    test_write(at(".change-abcdef/0"), two->pem);
    test_write(at(".change-abcdef/1"), "EntityID https://new.example\n");
    samlc_journal_add_mkdir(journal, "idp/new");
    samlc_journal_add_put(journal, "0", "idp/one/primary.pem");
    samlc_journal_add_put(journal, "1", "idp/new/idp.conf");
    samlc_journal_add_remove(journal, "sp/default/active.key");
    samlc_journal_add_remove(journal, "sp/default/active.crt");
    samlc_journal_add_rmdir(journal, "sp/default");
    works(samlc_journal_publish(journal, res));
    ck_assert(done < 1 || mkdir(at("idp/new"), 0700) == 0);
    ck_assert(done < 2 || rename(at(".change-abcdef/0"), at("idp/one/primary.pem")) == 0);
    ck_assert(done < 3 || rename(at(".change-abcdef/1"), at("idp/new/idp.conf")) == 0);
    ck_assert(done < 4 || unlink(at("sp/default/active.key")) == 0);
    ck_assert(done < 5 || unlink(at("sp/default/active.crt")) == 0);
    ck_assert(done < 6 || rmdir(at("sp/default")) == 0);
}

static void assert_carried_out(void)
{
    ck_assert_str_eq(content_of("idp/one/primary.pem"), two->pem);
    ck_assert_str_eq(content_of("idp/new/idp.conf"), "EntityID https://new.example\n");
    ck_assert(!is_there("sp/default"));
    ck_assert_int_eq(mode_of("idp/new"), 0755);
    ck_assert_int_eq(count_leftovers(), 0);
    digest(&source);
}

START_TEST(an_interrupted_change_is_refused_and_recovered)
{
    samlc_snapshot_t *loaded = NULL;
    int was_needed = 0;

    interrupt_after(_i);
    fails(samlc_snapshot_load(&loaded, &source, NULL, NULL, TEST_NOW, res, p), "recover");
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    works(samlc_change_recover(&was_needed, &source, res, p));
    ck_assert(was_needed);
    assert_carried_out();
    works(samlc_change_recover(&was_needed, &source, res, p));
    ck_assert(!was_needed);
}
END_TEST

START_TEST(the_next_change_recovers)
{
    interrupt_after(_i);
    begin();
    ck_assert(samlc_change_has_recovered(change));
    samlc_change_end(change);
    assert_carried_out();
    begin();
    ck_assert(!samlc_change_has_recovered(change));
}
END_TEST

/* What cannot be carried out stays refused, and says why. */
START_TEST(a_recovery_that_fails_can_be_repeated)
{
    int was_needed = 0;

    interrupt_after(0);
    ck_assert_int_eq(rename(at("idp/one"), at("idp/aside")), 0);
    fails(samlc_change_recover(&was_needed, &source, res, p), "idp/one/primary.pem");
    ck_assert(is_there(".journal") && is_there(".change-abcdef"));
    ck_assert_int_ne(samlc_change_begin(&change, &source, res, p), APR_SUCCESS);
    ck_assert(is_there(".journal") && is_there(".change-abcdef"));
    ck_assert_int_eq(rename(at("idp/aside"), at("idp/one")), 0);
    works(samlc_change_recover(&was_needed, &source, res, p));
    assert_carried_out();
}
END_TEST

START_TEST(journals_that_are_none)
{
    static const char *const texts[] = {
        "",
        "nonsense\n",
        "samlcert-journal 2\nstaging .change-abcdef\nend\n",
        "samlcert-journal 1\nstaging .change-abcdef\nremove idp%2Fone%2Fprimary.pem\n",
        "samlcert-journal 1\nstaging ../change-abc\nend\n",
        "samlcert-journal 1\nstaging .change-ab/def\nend\n",
        "samlcert-journal 1\nstaging .change-abcdef\nremove ..%2Fx\nend\n",
        "samlcert-journal 1\nstaging .change-abcdef\nremove %2Fx\nend\n",
        "samlcert-journal 1\nstaging .change-abcdef\nremove\nend\n",
        "samlcert-journal 1\nstaging .change-abcdef\nput ..%2Fx idp%2Fone%2Fprimary.pem\nend\n",
        "samlcert-journal 1\nstaging .change-abcdef\nexecute idp\nend\n",
    };
    int was_needed = 0;

    test_write(at(".journal"), texts[_i]);
    fails(samlc_change_recover(&was_needed, &source, res, p), ".journal");
    ck_assert_str_eq(content_of("idp/one/primary.pem"), one->pem);
    test_write(at(".journal"), "samlcert-journal 1\nstaging .change-abcdef\nend\n");
    works(samlc_change_recover(&was_needed, &source, res, p));
}
END_TEST

START_TEST(leftovers_of_what_never_counted)
{
    ck_assert_int_eq(mkdir(at(".change-abcdef"), 0700), 0);
    test_write(at(".change-abcdef/0"), own->key_pem);
    test_write(at(".samlcert-abcdef"), "half a journal");
    begin();
    ck_assert(!is_there(".change-abcdef") && !is_there(".samlcert-abcdef"));
    samlc_change_end(change);
    ck_assert_int_eq(count_leftovers(), 0);
}
END_TEST

Suite *suite_change(void)
{
    Suite *suite = suite_create("change");
    TCase *tc = tcase_create("change");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nothing_is_written_before_commit);
    tcase_add_test(tc, put_move_and_remove);
    tcase_add_test(tc, what_is_checked_is_what_comes);
    tcase_add_test(tc, files_outside_are_looked_at);
    tcase_add_test(tc, owner_and_permissions);
    tcase_add_test(tc, broken_candidate_is_refused);
    tcase_add_test(tc, names_that_lead_elsewhere);
    tcase_add_test(tc, links_are_not_written_through);
    tcase_add_test(tc, a_directory_with_more_in_it_stays);
    tcase_add_test(tc, somebody_else_edits_meanwhile);
    tcase_add_test(tc, one_change_at_a_time);
    tcase_add_test(tc, the_record_grows);
    tcase_add_loop_test(tc, an_interrupted_change_is_refused_and_recovered, 0, 7);
    tcase_add_loop_test(tc, the_next_change_recovers, 0, 7);
    tcase_add_test(tc, a_recovery_that_fails_can_be_repeated);
    tcase_add_loop_test(tc, journals_that_are_none, 0, 11);
    tcase_add_test(tc, leftovers_of_what_never_counted);
    suite_add_tcase(suite, tc);
    return suite;
}
