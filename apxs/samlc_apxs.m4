# SPDX-License-Identifier: Apache-2.0

# SAMLC_APXS: asks apxs where httpd keeps its headers and modules; nothing is built or installed by apxs.
AC_DEFUN([SAMLC_APXS], [
    AC_ARG_WITH([apxs],
        [AS_HELP_STRING([--with-apxs=FILE], [the apxs of the httpd to build for])],
        [APXS=$with_apxs], [AC_PATH_PROGS([APXS], [apxs apxs2], [no])])
    AS_IF([test "x$APXS" = xno],
        [AC_MSG_ERROR([apxs not found: install httpd's development files (Debian: apache2-dev)])])
    APXS_INCLUDEDIR=`$APXS -q INCLUDEDIR`
    APXS_LIBEXECDIR=`$APXS -q LIBEXECDIR`
    APXS_SBINDIR=`$APXS -q SBINDIR`
    APXS_PROGNAME=`$APXS -q PROGNAME`
    AC_ARG_WITH([moduledir],
        [AS_HELP_STRING([--with-moduledir=DIR], [where the module is installed (default: as apxs says)])],
        [moduledir=$with_moduledir], [moduledir=$APXS_LIBEXECDIR])
    AC_ARG_WITH([statedir],
        [AS_HELP_STRING([--with-statedir=DIR],
            [default of SamlCertStateDir (default: LOCALSTATEDIR/lib/mod_samlcert)])],
        [statedir=$with_statedir], [statedir='${localstatedir}/lib/mod_samlcert'])
    AC_SUBST([APXS_INCLUDEDIR])
    AC_SUBST([APXS_SBINDIR])
    AC_SUBST([APXS_PROGNAME])
    AC_SUBST([moduledir])
    AC_SUBST([statedir])
])
