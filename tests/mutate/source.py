"""C source as tokens: what is code in a file, and what is comment, text or preprocessor."""

import re

TOKEN = re.compile(r"""
      (?P<comment> /\*.*?\*/ | //[^\n]* )
    | (?P<string> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | (?P<number> \.?\d(?:[eEpP][+-]|[\w.])* )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<sign> <<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]= | \S )
    """, re.VERBOSE | re.DOTALL)
DIRECTIVE = re.compile(r"[ \t]*#(?:\\\n|/\*.*?\*/|[^\n])*", re.DOTALL)
ASSERTIONS = ("assert", "static_assert", "_Static_assert")


class Token:
    def __init__(self, kind, text, line, begin):
        self.kind = kind  # "string", "number", "word" or "sign"
        self.text = text
        self.line = line  # index into Source.lines
        self.begin = begin  # column
        self.end = begin + len(text)
        self.index = 0

    def __repr__(self):
        return f"{self.text}@{self.line + 1}:{self.begin}"


class Source:
    """One file: its lines, and the tokens of its code in order."""

    def __init__(self, text):
        self.text = text
        self.lines = text.split("\n")
        self.tokens = without_assertions(tokens_of(text))
        for index, token in enumerate(self.tokens):
            token.index = index

    def at(self, index):
        """The token at an index; None outside."""
        return self.tokens[index] if 0 <= index < len(self.tokens) else None

    def closing(self, index):
        """The index of the bracket that closes the one at `index`; None if there is none."""
        depth = 0
        for at in range(index, len(self.tokens)):
            token = self.tokens[at]
            if token.kind == "sign" and token.text in "([{":
                depth += 1
            elif token.kind == "sign" and token.text in ")]}":
                depth -= 1
                if depth == 0:
                    return at
        return None

    def between(self, begin, end):
        """The text from the token at index `begin` to the one at `end`, both within one line."""
        first, last = self.tokens[begin], self.tokens[end]
        assert first.line == last.line
        return self.lines[first.line][first.begin:last.end]


def tokens_of(text):
    tokens = []
    position, line, line_begin = 0, 0, 0
    fresh = True  # nothing but blanks and comments before, in this line
    while position < len(text):
        if text[position] == "\n":
            position += 1
            line, line_begin, fresh = line + 1, position, True
            continue
        directive = DIRECTIVE.match(text, position) if fresh else None
        if directive:
            end, kind = directive.end(), "comment"
        elif text[position] in " \t\r\f\v":
            position += 1
            continue
        else:
            match = TOKEN.match(text, position)
            end, kind = match.end(), match.lastgroup
        if kind != "comment":
            tokens.append(Token(kind, text[position:end], line, position - line_begin))
            fresh = False
        breaks = text.count("\n", position, end)
        if breaks:
            line += breaks
            line_begin = text.rindex("\n", position, end) + 1
        position = end
    return tokens


def without_assertions(tokens):
    """An assertion states what holds; to change it is no slip of the code."""
    kept = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind == "word" and token.text in ASSERTIONS and following == "(":
            depth = 0
            index += 1
            while index < len(tokens):
                depth += {"(": 1, ")": -1}.get(tokens[index].text, 0)
                index += 1
                if depth == 0:
                    break
        else:
            kept.append(token)
            index += 1
    return kept
