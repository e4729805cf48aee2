"""Requests that must be answered, among them such as a careless strictness would refuse. Each row:
where the RFC allows it, what is special, the bytes, and whether the connection stays open."""

from support.http_malformed import CHUNKED, GET, HOST, POST, first_line, get, host, post

OPEN = True
CLOSED = False

SMALL = [
    ("9112 3", "as small as they come", get(b""), OPEN),
    ("9112 2.2", "an empty line before it", b"\r\n" + get(b""), OPEN),
    ("9110 9.1", "a method nobody knows", first_line(b"M-SEARCH / HTTP/1.1"), OPEN),
    ("9110 9.1", "a method of all that tokens are of",
     first_line(b"!#$%&'*+-.^_`|~09AZaz / HTTP/1.1"), OPEN),
    ("9112 3.2.1", "a target of all that targets are of",
     first_line(b"GET /a-._~!$&'()*+,;=:@%20/?q=/? HTTP/1.1"), OPEN),
    ("9112 3.2.2", "absolute form", first_line(b"GET http://a/b?c HTTP/1.1"), OPEN),
    ("9112 3.2.2", "absolute form, other letters",
     b"GET HTTP://A:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", OPEN),
    ("9112 3.2.4", "asterisk form", first_line(b"OPTIONS * HTTP/1.1"), OPEN),
    ("9110 7.2", "a Host with a port", host(b" example.org:8080"), OPEN),
    ("9110 7.2", "a Host with an empty port", host(b" a:"), OPEN),
    ("9110 7.2", "a Host that is an IPv4 address", host(b" 127.0.0.1"), OPEN),
    ("9110 7.2", "a Host that is an IPv6 address", host(b" [2001:db8::1]:80"), OPEN),
    ("9112 5.1", "no blank before a value", GET + b"HOST:a\r\nX:y\r\n\r\n", OPEN),
    ("9112 5.1", "blanks and tabs around a value", get(b"X: \t y z \t \r\n"), OPEN),
    ("9112 5.1", "no value", get(b"X:\r\nY: \r\n"), OPEN),
    ("9110 5.5", "a value of other alphabets", get("X: äöü\r\n".encode()), OPEN),
    ("9110 5.5", "a value that looks like a field", get(b"X: Content-Length: 5\r\n"), OPEN),
    ("9110 5.1", "a name of all that tokens are of", get(b"!#$%&'*+-.^_`|~09AZaz: y\r\n"), OPEN),
    ("9110 5.3", "a field many times", get(b"X: y\r\n" * 20), OPEN),
    ("9112 6.3", "no body and no length", POST + b"\r\n", OPEN),
    ("9110 8.6", "a length of 0", post(b"Content-Length: 0\r\n", b""), OPEN),
    ("9110 8.6", "a length", post(b"Content-Length: 5\r\n"), OPEN),
    ("9110 9.3.1", "GET with a body", get(b"Content-Length: 5\r\n") + b"hello", OPEN),
    ("9112 6.3", "a body that looks like a request",
     post(b"Content-Length: %d\r\n" % len(get(b"")), get(b"")), OPEN),
    ("9112 6.3", "a body of bytes", post(b"Content-Length: 6\r\n", b"\0\r\n\xff\n\r"), OPEN),
    ("9112 7", "chunked in other letters",
     POST + b"transfer-encoding: ChUnKeD\r\n\r\n5\r\nhello\r\n0\r\n\r\n", OPEN),
    ("9112 7.1", "no data", CHUNKED + b"0\r\n\r\n", OPEN),
    ("9112 7.1", "sizes in all letters", CHUNKED + b"a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n",
     OPEN),
    ("9112 7.1", "data that look like chunks", CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", OPEN),
    ("9112 7.1", "zeros before a size", CHUNKED + b"0005\r\nhello\r\n000\r\n\r\n", OPEN),
    ("9112 7.1.1", "extensions", CHUNKED + b'5;a;b=c;d="e;\\"f"\r\nhello\r\n0;g\r\n\r\n', OPEN),
    ("9112 7.1.2", "trailers", CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\nDate: z\r\n\r\n", OPEN),
    ("9112 9.6", "Connection: close", get(b"Connection: close\r\n"), CLOSED),
    ("9112 9.6", "close among others", get(b"Connection: x, , Close\r\n"), CLOSED),
    ("9112 9.6", "both", get(b"Connection: keep-alive\r\nConnection: close\r\n"), CLOSED),
    ("9112 9.3", "Connection: keep-alive", get(b"Connection: keep-alive\r\n"), OPEN),
    ("9110 7.8", "an Upgrade that is not taken",
     get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
     OPEN),
    ("9112 9.3", "HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", CLOSED),
    ("9112 9.3", "HTTP/1.0 with a body",
     b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", CLOSED),
    ("9112 C.2.2", "HTTP/1.0 that asks to stay, which the response does not grant",
     b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", CLOSED),
    ("9110 10.1.1", "an expectation whose body has begun to come",
     post(b"Expect: 100-continue\r\nContent-Length: 5\r\n"), OPEN),
    ("9110 10.1.1", "an expectation without a body", get(b"Expect: 100-continue\r\n"), OPEN),
]

# At the limits that support/http_malformed.py crosses.
LARGE = [
    ("9110 15.5.15", "a request line of 8,192 bytes",
     first_line(b"GET /" + b"a" * (8192 - 16) + b" HTTP/1.1"), OPEN),
    ("6585 5", "a head of 65,536 bytes",
     get(b"X: " + b"y" * (65536 - len(get(b"X: \r\n"))) + b"\r\n"), OPEN),
    ("6585 5", "200 fields", get(b"".join(b"X-%d: y\r\n" % i for i in range(199))), OPEN),
    ("6585 5", "200 fields and trailers",
     POST + b"Transfer-Encoding: chunked\r\n" + b"X: y\r\n" * 196 + b"\r\n0\r\n" +
     b"X: y\r\n" * 2 + b"\r\n", OPEN),
    ("6585 5", "trailers of 65,536 bytes",
     CHUNKED + b"0\r\nX: " + b"y" * (65536 - len(b"X: \r\n\r\n")) + b"\r\n\r\n", OPEN),
    ("9112 7.1.1", "an extension as long as its line may be",
     CHUNKED + b"5;" + b"a" * (256 - 4) + b"\r\nhello\r\n0\r\n\r\n", OPEN),
    ("9112 6", "a body of 100,000 bytes",
     post(b"Content-Length: 100000\r\n", b"0123456789" * 10000), OPEN),
    ("9112 7.1", "2,000 chunks", CHUNKED + b"20\r\n" + b"\r\n20\r\n".join([b"d" * 32] * 2000) +
     b"\r\n0\r\n\r\n", OPEN),
]

ROWS = SMALL + LARGE
