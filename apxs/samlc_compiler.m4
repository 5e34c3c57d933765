# SPDX-License-Identifier: Apache-2.0

# SAMLC_WARNINGS: the warnings that we keep the code free of; --enable-werror makes them errors.
AC_DEFUN([SAMLC_WARNINGS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [treat warnings as errors])], [], [enable_werror=no])
    SAMLC_WARN_CFLAGS="-Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef"
    AS_IF([test "x$enable_werror" = xyes], [SAMLC_WARN_CFLAGS="$SAMLC_WARN_CFLAGS -Werror"])
    AC_SUBST([SAMLC_WARN_CFLAGS])
])

# SAMLC_SANITIZERS: --enable-sanitizers=address,undefined
AC_DEFUN([SAMLC_SANITIZERS], [
    AC_ARG_ENABLE([sanitizers],
        [AS_HELP_STRING([--enable-sanitizers=LIST], [compile with these sanitizers])],
        [], [enable_sanitizers=no])
    SAMLC_SANITIZE_CFLAGS=
    AS_CASE([$enable_sanitizers],
        [no], [],
        [yes], [SAMLC_SANITIZE_CFLAGS="-fsanitize=address,undefined -fno-omit-frame-pointer"],
        [SAMLC_SANITIZE_CFLAGS="-fsanitize=$enable_sanitizers -fno-omit-frame-pointer"])
    AC_SUBST([SAMLC_SANITIZE_CFLAGS])
])
