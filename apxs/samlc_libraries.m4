# SPDX-License-Identifier: Apache-2.0

# SAMLC_LIBRARIES: what the core library stands on. Check is needed for the unit tests only.
AC_DEFUN([SAMLC_LIBRARIES], [
    PKG_CHECK_MODULES([APR], [apr-1 >= 1.7])
    PKG_CHECK_MODULES([OPENSSL], [openssl >= 3.0])
    PKG_CHECK_MODULES([LIBXML], [libxml-2.0 >= 2.9.14])
    PKG_CHECK_MODULES([XMLSEC], [xmlsec1-openssl >= 1.2.37])
    PKG_CHECK_MODULES([JANSSON], [jansson >= 2.13])
    PKG_CHECK_MODULES([LMDB], [lmdb >= 0.9.24])
    PKG_CHECK_MODULES([ZLIB], [zlib])
    PKG_CHECK_MODULES([CHECK], [check >= 0.15], [have_check=yes], [have_check=no])
    AM_CONDITIONAL([SAMLC_HAVE_CHECK], [test "x$have_check" = xyes])

    SAMLC_CORE_CFLAGS="$APR_CFLAGS $OPENSSL_CFLAGS $LIBXML_CFLAGS $XMLSEC_CFLAGS $JANSSON_CFLAGS $LMDB_CFLAGS $ZLIB_CFLAGS"
    SAMLC_CORE_LIBS="$XMLSEC_LIBS $LIBXML_LIBS $OPENSSL_LIBS $JANSSON_LIBS $LMDB_LIBS $ZLIB_LIBS $APR_LIBS"
    AC_SUBST([SAMLC_CORE_CFLAGS])
    AC_SUBST([SAMLC_CORE_LIBS])

    dnl RSA-PSS came to xmlsec1 with 1.3.
    saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS $XMLSEC_CFLAGS $LIBXML_CFLAGS"
    AC_CHECK_FUNC([inotify_init1],
        [AC_DEFINE([SAMLC_HAVE_INOTIFY], [1], [the kernel tells of changed files])])
    AC_CHECK_DECL([xmlSecOpenSSLTransformRsaPssSha256GetKlass],
        [AC_DEFINE([SAMLC_HAVE_RSA_PSS], [1], [xmlsec1 verifies RSA-PSS signatures])], [],
        [[#include <xmlsec/xmlsec.h>
#include <xmlsec/openssl/crypto.h>]])
    CFLAGS=$saved_CFLAGS
])
