"""The slips: what one line of code can be turned into.

Each operator looks at one token and yields the lines that its line may become. Which token means
what is guessed from its neighbours; a guess that was wrong does not compile, so it does not count.
"""

import hashlib
import os
import re

BOUNDS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
LOGIC = {"&&": "||", "||": "&&"}
SUMS = {"+": "-", "-": "+", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
SHIFTS = {"<<": ">>", ">>": "<<", "<<=": ">>=", ">>=": "<<="}
NARROWED = {
    "uint64_t": ("int64_t", "uint32_t"), "int64_t": ("int32_t",), "size_t": ("uint16_t",),
    "uint32_t": ("int32_t", "uint16_t"), "int32_t": ("int16_t",), "int": ("int8_t",),
    "unsigned": ("int", "uint8_t"), "uint16_t": ("uint8_t",), "uint8_t": ("int8_t",),
}
# Most sizes and counts never come near the ends of their types, so most of these change nothing.
RARE = ("signed", "narrowed")
LEAVES = ("return", "goto", "break", "continue")
ASSIGNS = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")
NO_CALLS = ("if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "goto",
            "break", "continue", "default", "_Alignof", "defined")
AROUND = ("(", ")", "&&", "||", "=", "?", ":", ",", ";")  # what binds less than a comparison
STARTS = (";", "{", "}", ")", ":", "else", "do")  # what a statement can begin after
# include/callboard/status.h: alike though their names are not.
STATUSES = ("CB_OK", "CB_NO_MEMORY", "CB_INVALID", "CB_UNKNOWN", "CB_CLOSED", "CB_NOT_COMPLETE",
            "CB_LIMIT", "CB_TIMEOUT", "CB_STOPPED", "CB_IO", "CB_FORMAT", "CB_UNSUPPORTED",
            "CB_SCRIPT", "CB_NO_RESULT", "CB_MISMATCH")
CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)$")


class Mutant:
    """One changed line. Its id holds while the line, and those like it above, stay as they are."""

    def __init__(self, path, source, line, operator, mutated):
        self.path = path
        self.line = line + 1
        self.operator = operator
        self.original = source.lines[line]
        self.mutated = mutated
        stripped = self.original.strip()
        same = sum(above.strip() == stripped for above in source.lines[:line])
        parts = (os.path.basename(path), stripped, str(same), operator, mutated.strip())
        self.id = hashlib.sha1("\0".join(parts).encode()).hexdigest()[:10]

    def apply(self, text):
        """The file's text with the line changed."""
        lines = text.split("\n")
        assert lines[self.line - 1] == self.original
        lines[self.line - 1] = self.mutated
        return "\n".join(lines)


def replaced(source, token, text):
    line = source.lines[token.line]
    return line[:token.begin] + text + line[token.end:]


def span_replaced(source, begin, end, text):
    first, last = source.at(begin), source.at(end)
    line = source.lines[first.line]
    return line[:first.begin] + text + line[last.end:]


def ends_operand(token):
    """Whether a sign after this token stands between two operands."""
    if token is None or token.kind == "sign":
        return token is not None and token.text in (")", "]")
    return token.kind != "word" or token.text not in NO_CALLS


def swaps(table):
    def operator(source, token):
        if token.kind == "sign" and token.text in table:
            if token.text in ("+", "-") and not ends_operand(source.at(token.index - 1)):
                return
            yield replaced(source, token, table[token.text])
    return operator


def constant(source, token):
    found = INTEGER.match(token.text) if token.kind == "number" else None
    if not found:
        return
    digits, suffix = found.groups()
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10)
    for near in (value + 1, value - 1):
        if near >= 0:
            text = hex(near) if digits[:2] in ("0x", "0X") else str(near)
            yield replaced(source, token, text + suffix)


def condition_of(source, token):
    """The indices of the brackets around the condition of an if or a while within one line."""
    opening = source.at(token.index + 1)
    if opening is None or opening.text != "(":
        return None
    closing = source.closing(opening.index)
    if closing is None or source.at(closing).line != token.line:
        return None
    return opening.index, closing


def negated(source, token):
    if token.kind == "word" and token.text in ("if", "while"):
        around = condition_of(source, token)
        if around:
            inner = source.between(around[0] + 1, around[1] - 1)
            yield span_replaced(source, *around, f"(!({inner}))")
    elif token.kind == "sign" and token.text == "!":
        yield replaced(source, token, "")


def guard(source, token):
    if token.kind != "word" or token.text != "if":
        return
    around = condition_of(source, token)
    if not around:
        return
    after = around[1] + 1
    if source.at(after) is not None and source.at(after).text == "{":
        after += 1
    if source.at(after) is not None and source.at(after).text in LEAVES:
        inner = source.between(around[0] + 1, around[1] - 1)
        yield span_replaced(source, *around, f"(({inner}) && 0)")


def statement_end(source, token):
    """The index of the `;` of the statement that begins with the token, if it is one line of its
    own that calls or assigns."""
    before = source.at(token.index - 1)
    if before is not None and (before.line == token.line or before.text not in STARTS):
        return None
    if token.text in NO_CALLS or not (token.kind == "word" or token.text in ("*", "(", "++", "--")):
        return None
    depth, does = 0, token.text in ("++", "--")
    at = token.index
    while source.at(at) is not None and source.at(at).line == token.line:
        here, following = source.at(at), source.at(at + 1)
        if here.text == ";" and depth == 0:
            alone = following is None or following.line != token.line
            return at if does and alone else None
        if here.text in ("{", "}"):
            return None
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(here.text, 0)
        if depth == 0 and here.text in ASSIGNS + ("++", "--"):
            does = True
        if at == token.index and here.kind == "word" and following and following.text == "(":
            does = True
        at += 1
    return None


def declares(source, begin, end):
    """Whether the statement is a declaration: a type and a name follow each other."""
    at = begin
    while at < end and source.at(at).kind == "word":
        following = source.at(at + 1)
        while following is not None and following.text == "*":
            following = source.at(following.index + 1)
        if following is not None and following.kind == "word":
            return True
        at += 1
    return False


def removed(source, token):
    end = statement_end(source, token)
    if end is None or declares(source, token.index, end):
        return
    if token.text == "(" and source.at(token.index + 1).text == "void":
        return
    yield span_replaced(source, token.index, end, ";")


def operand_before(source, index):
    """Where a plain operand (a.b->c[d], f(x), 7) that ends at the index begins; or None."""
    at = index
    while True:
        token = source.at(at)
        if token is None:
            return None
        if token.text in (")", "]"):
            depth = 0
            while source.at(at) is not None:
                depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(source.at(at).text, 0)
                if depth == 0:
                    break
                at -= 1
            at -= 1
            before = source.at(at)
            if before is None or before.kind != "word" or before.text in NO_CALLS:
                return None
        elif token.kind not in ("word", "number") or token.text in NO_CALLS:
            return None
        before = source.at(at - 1)
        if before is None or before.text not in (".", "->"):
            return at
        at -= 2


def operand_after(source, index):
    """Where a plain operand that begins at the index ends; or None."""
    at = index
    token = source.at(at)
    if token is None or token.kind not in ("word", "number") or token.text in NO_CALLS:
        return None
    while True:
        following = source.at(at + 1)
        if following is None:
            return None
        if following.text in ("(", "["):
            at = source.closing(following.index)
            if at is None:
                return None
        elif following.text in (".", "->"):
            at += 2
        else:
            return at


def same_line(source, *indices):
    return len({source.at(index).line for index in indices}) == 1


def signed(source, token):
    """a < b as if both were signed. Not what counts up in a `for`: it does not get there."""
    if token.kind != "sign" or token.text not in ("<", "<=", ">", ">="):
        return
    if source.lines[token.line].lstrip().startswith("for "):
        return
    begin = operand_before(source, token.index - 1)
    end = operand_after(source, token.index + 1)
    if begin is None or end is None or not same_line(source, begin, end):
        return
    before, after = source.at(begin - 1), source.at(end + 1)
    if before.kind == "sign" and before.text not in AROUND or after.text not in AROUND:
        return
    sides = [source.between(begin, token.index - 1), source.between(token.index + 1, end)]
    left, right = (side if side[0].isdigit() else "(int64_t)" + side for side in sides)
    yield span_replaced(source, begin, end, f"{left} {token.text} {right}")


def narrowed(source, token):
    """A cast to, or a variable of, a smaller or a signed type; an assignment that loses bits."""
    before, after = source.at(token.index - 1), source.at(token.index + 1)
    if token.kind == "word" and token.text in NARROWED and before is not None and after is not None:
        counts = source.lines[token.line].lstrip().startswith("for ")
        is_cast = before.text == "(" and after.text == ")" and ends_operand(after)
        following = source.at(token.index + 2)
        is_variable = (after.kind == "word" and following is not None and following.text == "="
                       and (before.text in STARTS or before.text in ("(", "const")))
        if is_cast or is_variable and not counts:
            for other in NARROWED[token.text]:
                yield replaced(source, token, other)
    elif token.kind == "sign" and token.text == "=" and before is not None and after is not None:
        first = operand_before(source, token.index - 1)
        end = operand_after(source, token.index + 1)
        if first is None or end is None or source.at(first - 1) is None:
            return
        plain = source.at(first - 1).text in STARTS and source.at(end + 1).text == ";"
        right = source.between(token.index + 1, end) if same_line(source, first, end) else "("
        if plain and right[0].isalpha() and "(" not in right and not right.isupper() and (
                right not in ("true", "false")):
            yield span_replaced(source, token.index + 1, end, f"(uint16_t){right}")


def likeness(one, other):
    """How many leading words of two constants are the same; statuses are as alike as can be."""
    if one in STATUSES or other in STATUSES:
        return 9 if one in STATUSES and other in STATUSES else 0
    count = 0
    for left, right in zip(one.split("_"), other.split("_")):
        if left != right:
            break
        count += 1
    return count


def swapped(source, token):
    """A constant for its like: the most alike that the file names, two of them if there are."""
    if token.kind != "word" or not CONSTANT.match(token.text):
        return
    after = source.at(token.index + 1)
    if after is not None and after.text == "(":
        return
    names = {other.text for other in source.tokens if other.kind == "word"}
    ranked = sorted((-likeness(token.text, name), name) for name in names
                    if CONSTANT.match(name) and name != token.text)
    ranked = [(rank, name) for rank, name in ranked if rank <= -2 and rank == ranked[0][0]]
    for _, name in ranked[:2]:
        yield replaced(source, token, name)


def left_out(source, token):
    if token.kind == "word" and token.text in ("break", "continue"):
        yield replaced(source, token, "")


def boolean(source, token):
    if token.kind == "word" and token.text in ("true", "false"):
        yield replaced(source, token, "false" if token.text == "true" else "true")


def zeroed(source, token):
    """.field = value in an initialiser."""
    before, name, sign = (source.at(token.index + step) for step in (-1, 1, 2))
    if token.text != "." or token.kind != "sign" or before is None or sign is None:
        return
    if before.text not in ("{", ",") or name.kind != "word" or sign.text != "=":
        return
    depth, at = 0, sign.index + 1
    while source.at(at) is not None and source.at(at).line == token.line:
        text = source.at(at).text
        if depth == 0 and text in (",", "}", ";"):
            value = source.between(sign.index + 1, at - 1)
            if value not in ("0", "0u", "NULL", "false", "{0}"):
                yield span_replaced(source, sign.index + 1, at - 1, "0")
            return
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text, 0)
        at += 1


OPERATORS = {
    "bound": swaps(BOUNDS),
    "constant": constant,
    "logic": swaps(LOGIC),
    "negated": negated,
    "guard": guard,
    "removed": removed,
    "signed": signed,
    "narrowed": narrowed,
    "sum": swaps(SUMS),
    "shift": swaps(SHIFTS),
    "swapped": swapped,
    "left_out": left_out,
    "boolean": boolean,
    "zeroed": zeroed,
}


def in_order(mutants, seed):
    """The order that a seed tries the mutants of a file in: each line once before any line twice,
    and on a line each operator once before any twice; three of four that are RARE come later."""
    def key(mutant):
        return hashlib.sha1(f"{seed} {mutant.id}".encode()).hexdigest()

    ranked = []
    of_operator, of_line = {}, {}
    for mutant in sorted(mutants, key=key):
        place = (mutant.line, mutant.operator)
        of_operator[place] = of_operator.get(place, 0) + 1
        later = mutant.operator in RARE and key(mutant)[-1] >= "4"
        ranked.append((of_operator[place] + later, key(mutant), mutant))
    result = []
    for _, order, mutant in sorted(ranked, key=lambda entry: entry[:2]):
        of_line[mutant.line] = of_line.get(mutant.line, 0) + 1
        result.append((of_line[mutant.line], order, mutant))
    return [mutant for _, _, mutant in sorted(result, key=lambda entry: entry[:2])]


def shares(weights, total):
    """How many of `total` fall to each name, by weight. All do if any weight is not 0."""
    whole = sum(weights.values())
    if whole == 0:
        return {name: 0 for name in weights}
    exact = {name: total * weight / whole for name, weight in weights.items()}
    result = {name: int(share) for name, share in exact.items()}
    by_rest = sorted(weights, key=lambda name: (result[name] - exact[name], name))
    for name in by_rest[:total - sum(result.values())]:
        result[name] += 1
    return result


def mutants_of(path, source):
    """Every mutant of a file, in the order of its text; no two lines alike for one line."""
    mutants = []
    seen = set()
    for token in source.tokens:
        for name, operator in OPERATORS.items():
            for mutated in operator(source, token):
                if (token.line, mutated) not in seen:
                    seen.add((token.line, mutated))
                    mutants.append(Mutant(path, source, token.line, name, mutated))
    return mutants
