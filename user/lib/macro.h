/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What the compiler offers, under shorter names, and units. Includes nothing, so that the core may use it too. */

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC  1000000000ULL
#define USEC_PER_SEC  1000000ULL

#define _cleanup_(function)   __attribute__((cleanup(function)))
#define _printf_(text, first) __attribute__((format(printf, text, first)))
#define _unused_	      __attribute__((unused))

/* Makes `name_p(type *p)`, for _cleanup_, out of a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, name)                                                                           \
	static inline void name##_p(type *p)                                                                 \
	{                                                                                                    \
		if (*p)                                                                                      \
			name(*p);                                                                            \
	}

#define steal_pointer(pointer)                                                                               \
	({                                                                                                   \
		__typeof__(pointer) stolen = (pointer);                                                      \
		(pointer) = (void *)0;                                                                       \
		stolen;                                                                                      \
	})

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* For a table that an enum indexes: the build fails if a member was added to the enum alone. */
#define ASSERT_ROWS(table, count)                                                                            \
	_Static_assert(ELEMENTS(table) == (count), #table " has a row for each member")
