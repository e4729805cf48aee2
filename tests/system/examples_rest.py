#!/usr/bin/env python3
"""The notes of examples/rest.dom: every path and method, JSON both ways, many clients at once, and
other people's clients: curl, and Node's with its keep-alive."""

import json
import threading
import unittest

from support.http_examples import NODE, HttpExampleTest

JSON = "application/json"
TEXT_MOST = 1000
NOTES_MOST = 100

# Requests one after the other over one agent, as browsers and servers do it. Prints how many
# connections that took.
NODE_CLIENT = """
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 1});
const sockets = new Set();
function ask(method, path, note) {
    const body = note === undefined ? '' : JSON.stringify(note);
    const headers = note === undefined ? {} : {'Content-Type': 'application/json',
                                               'Content-Length': Buffer.byteLength(body)};
    return new Promise((resolve, reject) => {
        const request = http.request(
            {host: '127.0.0.1', port: process.argv[2], agent, method, path, headers}, (response) => {
                let text = '';
                sockets.add(response.socket);
                response.setEncoding('utf8');
                response.on('data', (part) => { text += part; });
                response.on('end', () => resolve({status: response.statusCode, text}));
            });
        request.on('error', reject);
        request.end(body);
    });
}
(async () => {
    const texts = [];
    for (let i = 0; i < 20; i++) {
        const made = await ask('POST', '/notes', {text: `note \\u00e9\\u20ac\\u{1f600} ${i}`});
        if (made.status !== 201) throw new Error(made.status + made.text);
        texts.push(JSON.parse(made.text).text);
    }
    const list = JSON.parse((await ask('GET', '/notes')).text);
    if (list.map((note) => note.text).join() !== texts.join()) throw new Error('another list');
    for (const note of list) {
        const gone = await ask('DELETE', `/notes/${note.id}`);
        if (gone.status !== 204) throw new Error(gone.status + gone.text);
    }
    console.log((await ask('GET', '/notes')).text.trim(), sockets.size);
    agent.destroy();
})().catch((error) => { console.error(error); process.exit(1); });
"""


class Rest(HttpExampleTest):
    def setUp(self):
        super().setUp()
        self.process, self.port = self.serve_example("rest.dom")
        self.client = self.connect(self.port)

    def send(self, method, path, note, **fields):
        fields.setdefault("Content_Type", JSON)
        body = note if isinstance(note, bytes) else json.dumps(note).encode()
        return self.ask(self.client, method, path, body, **fields)

    def get(self, path):
        return self.ask(self.client, "GET", path)

    def check_json(self, response, status, value):
        self.assertEqual((response.status, response.getheader("Content-Type")), (status, JSON),
                         response.body)
        self.assertEqual(json.loads(response.body), value)

    def test_life_of_a_note(self):
        self.check_json(self.get("/notes"), 200, [])
        made = self.send("POST", "/notes", {"text": "buy milk"})
        self.check_json(made, 201, {"id": 1, "text": "buy milk"})
        self.assertEqual(made.getheader("Location"), "/notes/1")
        self.check_json(self.send("POST", "/notes", {"text": ""}), 201, {"id": 2, "text": ""})
        self.check_json(self.get("/notes/1"), 200, {"id": 1, "text": "buy milk"})
        self.check_json(self.send("PUT", "/notes/1", {"text": "bread"}), 200,
                        {"id": 1, "text": "bread"})
        self.check_json(self.get("/notes"), 200,
                        [{"id": 1, "text": "bread"}, {"id": 2, "text": ""}])
        gone = self.ask(self.client, "DELETE", "/notes/1")
        self.assertEqual((gone.status, gone.body, gone.getheader("Content-Length")),
                         (204, b"", None))
        self.check_json(self.get("/notes"), 200, [{"id": 2, "text": ""}])
        for method in ("GET", "DELETE"):
            again = self.ask(self.client, method, "/notes/1")
            self.check_json(again, 404, {"error": "there is no such note"})
        self.assertEqual(self.send("PUT", "/notes/1", {"text": "x"}).status, 404)
        # Its place is taken again, its number is not.
        self.check_json(self.send("POST", "/notes", {"text": "new"}), 201,
                        {"id": 3, "text": "new"})
        self.check_json(self.get("/notes"), 200, [{"id": 3, "text": "new"}, {"id": 2, "text": ""}])
        self.finish(self.process)

    def test_head_is_get_without_a_body(self):
        self.send("POST", "/notes", {"text": "buy milk"})
        for path in ("/notes", "/notes/1", "/notes/2"):
            got = self.get(path)
            head = self.ask(self.client, "HEAD", path)
            self.assertEqual((head.status, head.body), (got.status, b""))
            self.assertEqual(head.getheaders(), got.getheaders())
        self.finish(self.process)

    def test_paths_and_methods_that_are_none(self):
        self.send("POST", "/notes", {"text": "one"})
        for path in ("/", "/note", "/notes2", "/notes/", "/notes/0", "/notes/-1", "/notes/1x",
                     "/notes/1/", "/notes/%31", "/notes/" + "9" * 30, "//notes", "/NOTES"):
            self.assertEqual(self.get(path).status, 404, path)
        for method, path, allowed in (
                ("PUT", "/notes", "GET, HEAD, POST"),
                ("DELETE", "/notes", "GET, HEAD, POST"),
                ("PATCH", "/notes", "GET, HEAD, POST"),
                ("POST", "/notes/1", "GET, HEAD, PUT, DELETE"),
                ("PATCH", "/notes/1", "GET, HEAD, PUT, DELETE")):
            refused = self.send(method, path, {"text": "x"})
            self.assertEqual((refused.status, refused.getheader("Allow")), (405, allowed))
        self.check_json(self.get("/notes?x=1"), 200, [{"id": 1, "text": "one"}])
        self.finish(self.process)

    def test_bodies_that_are_no_note(self):
        text = "send {\"text\": \"...\"} as JSON, 1000 bytes at most"
        for body in (b"", b"{}", b"[]", b"text", b'{"text": 1}', b'{"text": null}', b'{"text": "x"',
                     b'{"text": "x"}}', b'{"text": "x"} x', b'{"text": "x", "id": 2}', b'{"x": "x"}',
                     b'{text: "x"}', b"{'text': 'x'}", b'{"text": "x\n"}', b'{"text": "\\x"}',
                     b'{"text": "\\u12"}', b'{"text": "\\u12g4"}', b'{"text": "\\u0000"}',
                     b'{"text": "\\ud83d"}', b'{"text": "\\ud83dx"}', b'{"text": "\\ude00"}',
                     b'{"text": "\\ud83d\\u0041"}', b'{"text": "x\\', b'{"text": "x"}\0',
                     b'{"text": "a\0b"}', b'{"text": "\xff"}', b'{"text": "\xc3"}',
                     b'{"text": "\xc0\xaf"}', b'{"text": "\xed\xa0\x80"}',
                     b'{"text": "\xf4\x90\x80\x80"}', b'{"text": "\xe0\x9f\xbf"}'):
            self.check_json(self.send("POST", "/notes", body), 400, {"error": text})
        for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"):
            refused = self.send("POST", "/notes", {"text": "x"}, Content_Type=kind)
            self.check_json(refused, 415, {"error": text})
        self.assertEqual(self.send("POST", "/notes", {"text": "x" * (TEXT_MOST + 1)}).status, 413)
        self.check_json(self.get("/notes"), 200, [])
        self.finish(self.process)

    def test_texts_come_back_as_they_were(self):
        texts = ["", "plain", "\"quotes\" and \\ and /", "\b\f\n\r\t", "".join(map(chr, range(1, 128))),
                 "é€😀", "x" * TEXT_MOST, "\x01" * TEXT_MOST, "😀" * (TEXT_MOST // 4)]
        for i, text in enumerate(texts, 1):
            # Escaped as ASCII, and as UTF-8; the fields as others write them.
            ascii_form = json.dumps({"text": text}).encode()
            utf8_form = json.dumps({"text": text}, ensure_ascii=False, indent=2).encode()
            made = self.send("POST", "/notes", ascii_form)
            self.check_json(made, 201, {"id": i, "text": text})
            self.check_json(self.send("PUT", f"/notes/{i}", utf8_form,
                                      Content_Type="Application/JSON; charset=utf-8"),
                            200, {"id": i, "text": text})
        self.check_json(self.get("/notes"), 200,
                        [{"id": i, "text": text} for i, text in enumerate(texts, 1)])
        self.finish(self.process)

    def test_full(self):
        for _ in range(NOTES_MOST):
            self.assertEqual(self.send("POST", "/notes", {"text": "x"}).status, 201)
        self.check_json(self.send("POST", "/notes", {"text": "x"}), 507,
                        {"error": "there is no room for another note"})
        self.ask(self.client, "DELETE", "/notes/50")
        self.assertEqual(self.send("POST", "/notes", {"text": "x"}).status, 201)
        self.finish(self.process)

    def test_many_at_once(self):
        wrong = []

        def work(number):
            client = self.connect(self.port)
            ids = set()
            for i in range(25):
                text = f"{number} {i}"
                made = self.ask(client, "POST", "/notes", json.dumps({"text": text}),
                                Content_Type=JSON)
                note = json.loads(made.body)
                ids.add(note["id"])
                got = self.ask(client, "GET", made.getheader("Location"))
                if json.loads(got.body) != {"id": note["id"], "text": text}:
                    wrong.append(got.body)
                if self.ask(client, "DELETE", made.getheader("Location")).status != 204:
                    wrong.append(text)
            return ids

        numbers = [set() for _ in range(8)]

        def run(i):
            numbers[i] = work(i)

        threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(set().union(*numbers), set(range(1, 201)))  # no number twice
        self.check_json(self.get("/notes"), 200, [])
        self.finish(self.process)

    def test_curl(self):
        url = f"http://127.0.0.1:{self.port}/notes"
        said = self.run_tool("curl", "-sS", "-d", '{"text": "buy milk"}', "-H",
                             f"Content-Type: {JSON}", url)
        self.assertEqual(said, '{"id": 1, "text": "buy milk"}\n')
        said = self.run_tool("curl", "-sS", "-w", "%{http_code} %{num_connects}\n", url,
                             url + "/1", "-X", "GET")
        self.assertEqual(said, '[{"id": 1, "text": "buy milk"}]\n200 1\n'
                               '{"id": 1, "text": "buy milk"}\n200 0\n')  # one connection for both
        chunked = self.run_tool("curl", "-sS", "-X", "PUT", "-H", "Transfer-Encoding: chunked", "-H",
                                f"Content-Type: {JSON}", "-d", '{"text": "in chunks"}', url + "/1")
        self.assertEqual(chunked, '{"id": 1, "text": "in chunks"}\n')
        self.finish(self.process)

    @unittest.skipIf(NODE is None, "there is no Node here")
    def test_node(self):
        script = self.write("client.js", NODE_CLIENT)
        self.assertEqual(self.run_tool(NODE, script, str(self.port)), "[] 1\n")
        self.finish(self.process)


if __name__ == "__main__":
    unittest.main()
