# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
#
# HM_FLAGS(VARIABLE, FLAGS) puts those compiler flags into VARIABLE that the
# compiler takes without a warning; HM_LINK_FLAGS does the same for the linker.

AC_DEFUN([HM_FLAGS], [
	$1=
	for hm_flag in $2; do
		hm_saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $hm_flag"
		AC_MSG_CHECKING([whether $CC takes $hm_flag])
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
			[$1="$$1 $hm_flag"
			AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
		CFLAGS=$hm_saved_cflags
	done
	AC_SUBST([$1])
])

AC_DEFUN([HM_LINK_FLAGS], [
	$1=
	for hm_flag in $2; do
		hm_saved_ldflags=$LDFLAGS
		LDFLAGS="$LDFLAGS $hm_flag"
		AC_MSG_CHECKING([whether the linker takes $hm_flag])
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[$1="$$1 $hm_flag"
			AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
		LDFLAGS=$hm_saved_ldflags
	done
	AC_SUBST([$1])
])
