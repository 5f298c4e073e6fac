/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The end of "[...]", whose "\]" become "]" in place. */
static char *close_bracket(char *word)
{
	char *to = word, *end = word;

	for (; *end && *end != ']'; to++, end++) {
		if (*end == '\\' && end[1] == ']')
			end++;
		*to = *end;
	}
	if (to != end)
		*to = '\0';
	return end;
}

char *pam_text_word(char **text)
{
	char *word = *text + strspn(*text, PAM_BLANKS), *end;

	if (!*word)
		return NULL;
	end = *word == '[' ? close_bracket(++word) : word + strcspn(word, PAM_BLANKS);
	*text = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* What a line of the file says, in [*from, *ret_end); false: nothing. */
static bool find_words(char **from, char *end, char **ret_end, bool *ret_more)
{
	char *start = *from + strspn(*from, " \t"), *comment = start + strcspn(start, "#\n"), *last = end;

	*from = start;
	*ret_end = end;
	*ret_more = false;
	if (start == end || comment == start)
		return false;
	if (*comment == '#') {
		*ret_end = comment;
		return true;
	}
	while (last > start && strchr(" \t", last[-1]))
		last--;
	*ret_more = last[-1] == '\\';
	if (*ret_more)
		*ret_end = last;
	return true;
}

int pam_text_line(char **text, unsigned *number, char **ret, unsigned *ret_first)
{
	char *to = *text, *start = *text;
	bool more = false;

	while (**text) {
		char *from = *text, *end = from + strcspn(from, "\n"), *last;
		bool continued = more;

		*text = *end ? end + 1 : end;
		++*number;
		if (!find_words(&from, end, &last, &more)) {
			more = continued;
			continue;
		}
		if (!continued)
			*ret_first = *number;
		memmove(to, from, (size_t)(last - from));
		to += last - from;
		if (more) {
			to[-1] = ' ';
			continue;
		}
		*to = '\0';
		*ret = start;
		return 1;
	}
	return more ? -EBADMSG : 0;
}
