/* SPDX-License-Identifier: MIT */
/*
 * Any process. The order of the words in a configuration file: which word may follow which, and which bracket is open.
 * libconfig calls every mistake in it a "syntax error"; this says which mistake it is, and where it begins. An order
 * that is not known to be wrong is left to libconfig.
 */
#ifndef PREFORKD_SYNTAX_GRAMMAR_H
#define PREFORKD_SYNTAX_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "syntax/origin.h"

#define GRAMMAR_DEPTH_MOST 64 /* brackets inside each other; the keys need three */
#define GRAMMAR_NAME_SIZE  72

struct problems;

enum word_kind {
	WORD_NAME,
	WORD_STRING, /* with its quotes */
	WORD_NUMBER,
	WORD_CHARACTER, /* one of {}[]()=:,; */
};

struct word {
	enum word_kind kind;
	const char *text;
	size_t len;
	struct origin at;
	int indent;    /* the width of the blanks that its line begins with */
	bool is_first; /* in its line */
	bool is_named; /* = or : follows */
};

/* A bracket that is open, with the name before it ("": none). */
struct grammar_bracket {
	char text;
	struct origin at;
	int indent;
	char name[GRAMMAR_NAME_SIZE];
};

struct grammar {
	struct problems *problems;
	struct grammar_bracket open[GRAMMAR_DEPTH_MOST];
	size_t depth;
	char name[GRAMMAR_NAME_SIZE]; /* the last name */
	char before;		      /* the last word; 'n': a name, 'v': a value, '"': a string, 'a': not known */
	bool failed;
	bool lost;	  /* the words that follow cannot be judged */
	bool has_suspect; /* the first { that was closed by a } further to the left than the line of the { */
	struct origin suspect, closed;
	char suspect_path[160];
};

void grammar_begin(struct grammar *g, struct problems *problems);

/* Takes the next word, and reports what is wrong with it there. False: it was wrong. */
bool grammar_take(struct grammar *g, const struct word *word);

/* Any word may come next: an included file begins or ends. */
void grammar_forget(struct grammar *g);

/* The text has ended: reports the brackets that are still open, unless the words are lost anyway. */
void grammar_end(struct grammar *g);

#endif
