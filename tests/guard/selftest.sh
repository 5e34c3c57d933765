#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the guards can fail: each finds nothing in a small sound tree, and each planted
# fault is found and named.
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d) || exit 2
trap 'rm -rf "$tree"' EXIT
spdx='/* SPDX-License-Identifier: Apache-2.0 */'
cases=0
failed=0

# put FILE, with the text from standard input below the licence
put() {
    mkdir -p "$tree/$(dirname "$1")"
    { case $1 in *.c | *.h) echo "$spdx" ;; *) echo '# SPDX-License-Identifier: Apache-2.0' ;; esac
      cat; } >"$tree/$1"
}

sound() {
    rm -rf "$tree"
    mkdir -p "$tree"
    put configure.ac </dev/null
    put Makefile.am </dev/null
    put check </dev/null
    put quickstart </dev/null
    put apxs/samlc_libraries.m4 </dev/null
    echo 'samlcertctl_LDADD = libsamlcert.la' | put mod_samlcert/Makefile.am
    printf '#include <openssl/evp.h>\n' | put mod_samlcert/core/keys/key.c
    printf '#include <jansson.h>\n#include "core/report.h"\n' | put mod_samlcert/core/report.c
    printf '#include <lmdb.h>\n' | put mod_samlcert/core/store/lmdb.c
    printf '#include <libxml/tree.h>\n' | put mod_samlcert/core/saml/response.h
    put mod_samlcert/core/saml/response.c <<'END'
void judge(v_t *v)
{
    if (v->outcome == SAMLC_ACCEPTED) {
        return;
    }
    v->outcome = SAMLC_ACCEPTED;
}
END
    put mod_samlcert/core/trust/trust.c <<'END'
int judge_key(t_t *t)
{
    t->is_trusted = 0;
    t->is_trusted = 1;
    return t->is_trusted == 1;
}
END
    printf '#include <httpd.h>\nset("Location", url, "SMC0001");\n' | put mod_samlcert/httpd/reply.c
    printf 'log("SMC0002: text");\n' | put mod_samlcert/httpd/acs.c
    printf 'SUITE(text)\n' | put tests/unit/suites.h
    printf 'START_TEST(one)\n{\n}\nEND_TEST\n\nSuite *suite_text(void)\n{\n    %s\n}\n' \
        'tcase_add_loop_test(tc, one, 0, 3);' | put tests/unit/test_text.c
    put tests/unit/Makefile.am <<'END'
unit_sources = \
	test_text.c
unit_LDADD = $(top_builddir)/mod_samlcert/libsamlcert.la $(CHECK_LIBS)
END
    echo 'TESTS = guard/x.sh' | put tests/Makefile.am
    put tests/guard/x.sh </dev/null
    put docs/directives/reference.md <<'END'
| `SamlCertTrustDir` | `DIR` |
| `EntityID` | `URI` |
END
    mkdir -p "$tree/build/docs"
    cp "$tree/docs/directives/reference.md" "$tree/build/docs/reference.md"
    printf 'SamlCertTrustDir /x\n<SamlCertIdP x>\nSamlCertEntityID x\n' | put conf/samlcert.conf
}

run() {
    top_builddir=$tree/build sh "$here/$1.sh" "$tree" 2>&1
}

# passes GUARD NAME: it finds nothing
passes() {
    cases=$((cases + 1))
    out=$(run "$1") && return
    failed=$((failed + 1))
    printf 'selftest: %s finds in %s:\n%s\n' "$1" "$2" "$out"
}

# finds GUARD WORDS: it fails, and what it says has these words
finds() {
    cases=$((cases + 1))
    out=$(run "$1")
    if [ $? -ne 1 ] || ! printf '%s' "$out" | grep -qF "$2"; then
        failed=$((failed + 1))
        printf 'selftest: %s does not find: %s; it says:\n%s\n' "$1" "$2" "$out"
    fi
    sound
}

# append FILE TEXT: plants a fault
append() {
    printf '%b\n' "$2" >>"$tree/$1"
}

sound
for guard in layers length tags accept tests words reference; do
    passes $guard 'a sound tree'
done

append mod_samlcert/core/saml/response.c '#include <httpd.h>'
finds layers 'response.c:9:#include <httpd.h>'
append mod_samlcert/core/report.c '#include "http_log.h"'
finds layers 'a header of httpd'
append mod_samlcert/core/report.c '#include "httpd/config.h"'
finds layers 'a header of httpd'
append mod_samlcert/core/report.c '#include "cli/print.h"'
finds layers 'the core calls nobody above it'
append mod_samlcert/core/report.c '#include <openssl/evp.h>'
finds layers 'OpenSSL belongs to'
append mod_samlcert/core/trust/trust.c '#include "core/saml/rules.h"'
finds layers 'trust is below saml'
append mod_samlcert/core/trust/trust.c '#include "core/report.h"'
finds layers 'nothing in the core calls the report'
append mod_samlcert/core/trust/trust.c '#include <libxml/tree.h>'
finds layers 'libxml2 belongs to'
append mod_samlcert/core/saml/response.c '#include <xmlsec/keys.h>'
finds layers 'xmlsec1 belongs to'
append mod_samlcert/httpd/acs.c '#include <jansson.h>'
finds layers 'jansson belongs to'
append mod_samlcert/core/report.c '#include <lmdb.h>'
finds layers 'LMDB belongs to'
append mod_samlcert/core/report.c '#include <zlib.h>'
finds layers 'zlib belongs to'
append mod_samlcert/httpd/acs.c 'set(h, "Location", u);'
finds layers 'only reply.c'
echo 'samlcertctl_LDADD = libsamlcert.la -lhttpd' | put mod_samlcert/Makefile.am
finds layers 'samlcertctl links more'

lines() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) { print "    x();" } }'
}
append mod_samlcert/httpd/acs.c "static int big(void)\n{\n$(lines 121)\n}"
finds length '121 lines: static int big(void)'
append mod_samlcert/httpd/acs.c "static int big(void)\n{\n$(lines 120)\n}"
passes length 'a function of 120 lines'; sound
lines 800 | put tests/unit/test_text.c
finds length 'test_text.c: 801 lines'
lines 799 | put tests/unit/test_text.c
passes length 'a file of 800 lines'; sound
wide() {
    awk -v n="$1" 'BEGIN { while (n-- > 4) { s = s "x" } print "/*" s "*/" }'
}
append mod_samlcert/httpd/acs.c "$(wide 101)"
finds length '101 columns'
append mod_samlcert/httpd/acs.c "$(wide 100)"
passes length 'a line of 100 columns'; sound

append mod_samlcert/httpd/acs.c 'log("SMC0001: again");'
finds tags 'acs.c:3:"SMC0001'

append mod_samlcert/core/trust/trust.c 'x->outcome = SAMLC_ACCEPTED;'
finds accept 'here it is 2 times'
append mod_samlcert/httpd/acs.c 'return ok ? SAMLC_ACCEPTED : 0;'
finds accept 'here it is 2 times'
echo | put mod_samlcert/core/saml/response.c
finds accept 'here it is 0 times'
append mod_samlcert/core/trust/trust.c 'int other(void)\n{\n    v.is_trusted = 1;\n}'
finds accept 'here in 2'

append tests/unit/test_text.c 'START_TEST(two)\n{\n}\nEND_TEST'
finds tests 'two is not in a test case'
echo 'Suite *suite_more(void)' | put tests/unit/test_more.c
finds tests 'no SUITE(more)'
append tests/unit/suites.h 'SUITE(gone)'
finds tests 'no test_gone.c'
append tests/unit/suites.h 'SUITE(text)'
finds tests 'twice: SUITE(text)'
echo | put tests/unit/Makefile.am
finds tests 'test_text.c: not in'
put tests/guard/lost.sh </dev/null
finds tests 'lost.sh: not in'

echo 'int x;' >"$tree/mod_samlcert/core/bare.c"
finds words 'bare.c: no SPDX'
echo 'pass' >"$tree/tests/bare.py"
finds words 'bare.py: no SPDX'
echo 'true' >"$tree/check"
finds words 'check: no SPDX'

append build/docs/reference.md '| `SamlCertNew` | `x` |'
finds reference '+| `SamlCertNew`'
append build/docs/reference.md '| `SamlCertNew` | `x` |'
finds reference 'samlcert.conf: no SamlCertNew'
rm "$tree/docs/directives/reference.md"
finds reference 'No such file'
rm "$tree/conf/samlcert.conf"
finds reference 'not there'
append conf/samlcert.conf 'SamlCertGone x'
finds reference 'no directive SamlCertGone'

echo "selftest: $cases cases, $failed failed"
[ $failed -eq 0 ]
