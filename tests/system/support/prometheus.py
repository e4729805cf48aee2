"""A strict reader of the text format that Prometheus scrapes, version 0.0.4."""

import http.client
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (\S+)")
VALUE = re.compile(r"\+Inf|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")
TYPES = ("counter", "gauge", "histogram")


class BadPage(AssertionError):
    pass


def must(condition, text):
    if not condition:
        raise BadPage(text)


def labels_of(text):
    pairs = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"', text or "")
    unescaped = {
        name: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
        for name, value in pairs
    }
    must(len(unescaped) == len(pairs), f"a label twice: {text}")
    return unescaped


class Page:
    """The samples of one scrape: {(name, labels as sorted pairs): value}."""

    def __init__(self, text):
        self.samples = {}
        self.types = {}
        self.helped = set()
        self.family = None
        must(text.endswith("\n"), "the last line has no end")
        for line in text[:-1].split("\n"):
            if line.startswith("# "):
                self.read_comment(line)
            else:
                self.read_sample(line)
        self.check_histograms()

    def read_comment(self, line):
        kind, name, rest = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line).groups()
        if kind == "HELP":
            must(name not in self.helped, f"HELP twice: {name}")
            self.helped.add(name)
        else:
            must(name in self.helped and name not in self.types, f"TYPE out of place: {name}")
            must(rest in TYPES, f"no type: {rest}")
            must((rest == "counter") == name.endswith("_total"), f"_total and counter: {name}")
            self.types[name] = rest
            self.family = name

    def read_sample(self, line):
        match = SAMPLE.fullmatch(line)
        must(match is not None, f"no sample: {line!r}")
        name, labels, value = match.groups()
        must(VALUE.fullmatch(value) is not None, f"no number: {line}")
        ending = name.removeprefix(self.family or "?")
        plain = self.types.get(self.family) != "histogram"
        must(name.startswith("callboard_") and self.family is not None, f"a stray: {line}")
        must(ending in ([""] if plain else ["_bucket", "_sum", "_count"]), f"a stray: {line}")
        key = (name, tuple(sorted(labels_of(labels).items())))
        must(key not in self.samples, f"twice: {line}")
        self.samples[key] = float(value)

    def check_histograms(self):
        for family, kind in self.types.items():
            if kind != "histogram":
                continue
            series = {}
            for (name, labels), value in self.samples.items():
                if name == family + "_bucket":
                    bound = dict(labels)["le"]
                    rest = tuple(pair for pair in labels if pair[0] != "le")
                    series.setdefault(rest, []).append((float(bound.replace("+Inf", "inf")), value))
            for rest, buckets in series.items():
                bounds = [bound for bound, _ in buckets]
                counts = [count for _, count in buckets]
                must(bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), f"le: {family}")
                must(counts == sorted(counts), f"not cumulative: {family} {rest}")
                must(self.samples[(family + "_count", rest)] == counts[-1], f"_count: {family}")
                must((family + "_sum", rest) in self.samples, f"_sum: {family}")

    def get(self, name, **labels):
        return self.samples[("callboard_" + name, tuple(sorted(labels.items())))]

    def sum(self, name, **labels):
        """Over all samples of the name that have these labels."""
        wanted = set(labels.items())
        return sum(
            value
            for (of, has), value in self.samples.items()
            if of == "callboard_" + name and wanted <= set(has)
        )

    def label_values(self, name, label):
        return sorted(
            dict(has)[label] for of, has in self.samples if of == "callboard_" + name
        )

    def counters(self):
        """Everything that must not fall from one scrape to the next."""
        for (name, labels), value in self.samples.items():
            if name.endswith(("_total", "_count", "_sum", "_bucket")):
                yield (name, labels), value


def request(port, method="GET", path="/metrics", body=None):
    """(status, headers, body) of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def scrape(port):
    status, headers, body = request(port)
    must(status == 200, f"status {status}")
    must(headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", str(headers))
    must(int(headers["Content-Length"]) == len(body), "Content-Length")
    return Page(body.decode("utf-8"))
