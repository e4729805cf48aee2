#!/usr/bin/env python3
"""The web server of examples/static_files.dom: what it serves, and what nobody gets out of it."""

import os
import random
import unittest

from support.cli import SOURCE
from support.http_examples import NODE, HttpExampleTest

INDEX = b"<!DOCTYPE html>\n<title>home</title>\n<p>home</p>\n"
SECRET = b"nobody may read this\n"

NODE_CLIENT = """
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 2});
const sockets = new Set();
const paths = ['/', '/big.bin', '/style.css', '/none', '/deep/er/', '/empty.txt'];
function get(path) {
    return new Promise((resolve, reject) => {
        http.get({host: '127.0.0.1', port: process.argv[2], path, agent}, (response) => {
            let size = 0;
            sockets.add(response.socket);
            response.on('data', (part) => { size += part.length; });
            response.on('end', () => resolve(`${response.statusCode} ${size}`));
        }).on('error', reject);
    });
}
(async () => {
    for (let round = 0; round < 10; round++)
        var got = await Promise.all(paths.map(get));
    console.log(got.join(', '), sockets.size);
    agent.destroy();
})().catch((error) => { console.error(error); process.exit(1); });
"""


class StaticFiles(HttpExampleTest):
    def setUp(self):
        super().setUp()
        self.big = random.Random(7).randbytes(5_000_000)
        self.root = os.path.join(self.folder, "site")
        for folder in ("site/deep/er", "site/bare", "site/.hidden", "outside", "site2"):
            os.makedirs(os.path.join(self.folder, folder))
        for name, content in {
                "site/index.html": INDEX, "site/style.css": b"p { color: red }\n",
                "site/empty.txt": b"", "site/big.bin": self.big, "site/a b+c.txt": b"blank\n",
                "site/\u00e9t\u00e9.txt": b"summer\n", "site/%2e%2e": b"a strange name\n",
                "site/deep/er/index.html": b"deep\n", "site/deep/page.html": b"page\n",
                "site/.htpasswd": SECRET, "site/.hidden/x.txt": SECRET, "outside/secret.txt": SECRET,
                "site2/secret.txt": SECRET, "secret.txt": SECRET}.items():
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(content)
        self.process, self.port = self.serve_example("static_files.dom", self.root)
        self.client = self.connect(self.port)

    def get(self, path, method="GET"):
        return self.ask(self.client, method, path)

    def check_file(self, path, content, kind):
        got = self.get(path)
        self.assertEqual((got.status, got.getheader("Content-Type")), (200, kind), path)
        self.assertEqual(got.getheader("X-Content-Type-Options"), "nosniff")
        self.assertTrue(got.body == content, path)
        head = self.get(path, "HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.getheaders(), got.getheaders())

    def test_files(self):
        html = "text/html; charset=utf-8"
        text = "text/plain; charset=utf-8"
        self.check_file("/", INDEX, html)
        self.check_file("/index.html", INDEX, html)
        self.check_file("/style.css", b"p { color: red }\n", "text/css; charset=utf-8")
        self.check_file("/style.css?version=2&x=/../", b"p { color: red }\n",
                        "text/css; charset=utf-8")
        self.check_file("/empty.txt", b"", text)
        self.check_file("/a%20b+c.txt", b"blank\n", text)
        self.check_file("/%C3%A9t%C3%A9.txt", b"summer\n", text)
        self.check_file("/%252e%252e", b"a strange name\n", "application/octet-stream")
        self.check_file("/deep/page.html", b"page\n", html)
        self.check_file("/deep/er/", b"deep\n", html)
        self.check_file("/%64%65ep/er/index.html", b"deep\n", html)
        self.check_file("/big.bin", self.big, "application/octet-stream")
        self.finish(self.process)

    def test_folders_lead_to_their_index(self):
        for path in ("/deep/er", "/deep", "/bare"):
            moved = self.get(path)
            self.assertEqual((moved.status, moved.getheader("Location")), (301, path + "/"))
        self.assertEqual(self.get("/deep/").status, 404)  # it has none, and nothing is listed
        self.assertEqual(self.get("/bare/").status, 404)
        # Not to another host, whose name such a path would be to a browser.
        for path in ("//deep", "//example.org/", "/\\example.org"):
            got = self.raw(self.port, f"GET {path} HTTP/1.0\r\n\r\n".encode())
            self.assertNotIn(b"Location", got)
        self.finish(self.process)

    def test_other_methods(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            refused = self.get("/index.html", method)
            self.assertEqual((refused.status, refused.getheader("Allow")), (405, "GET, HEAD"))
        self.assertEqual(self.get("/").body, INDEX)
        self.finish(self.process)

    def test_nothing_leads_out(self):
        up = ("..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%2e%2e%00", "..%00")
        steps = ("/", "%2f", "%2F", "\\", "%5c", "//", "/./", "%2f%2f", ";/")
        paths = ["/.htpasswd", "/%2ehtpasswd", "/.hidden/x.txt", "/%2Ehidden/x.txt", "/none",
                 "/..", "/../", "/../..", "/.", "/./", "/index.html/", "/index.html/..",
                 "/index.html%00", "/index.html%00.png", "/%00", "/%00/index.html", "/index.html\\",
                 "/%2findex.html", "/deep%2fpage.html", "/deep%2f..%2findex.html", "//index.html",
                 "/deep//page.html", "/deep/../index.html", "/deep/./page.html", "/%2e/index.html",
                 "/../site2/secret.txt", "/..%c0%afsecret.txt", "/%c0%ae%c0%ae/secret.txt",
                 "/%u002e%u002e/secret.txt", "/%252e%252e/secret.txt", "/etc/passwd",
                 self.folder + "/secret.txt", "/" + self.folder + "/secret.txt",
                 "/" + "../" * 40 + "etc/passwd", "/" + "x" * 300, "/" + "x/" * 3000,
                 "/deep/er/../../../secret.txt"]
        for one in up:
            for step in steps:
                paths += [f"/{one}{step}secret.txt", f"{step}{one}{step}secret.txt",
                          f"/deep/{one}{step}{one}{step}secret.txt",
                          f"/deep{step}{one}{step}{one}{step}outside{step}secret.txt"]
        for path in paths:
            got = self.raw(self.port, f"GET {path} HTTP/1.0\r\n\r\n".encode("ascii"))
            status = got.split(b" ", 2)[1]
            self.assertIn(status, (b"404", b"400"), path)
            self.assertNotIn(SECRET, got, path)
            self.assertNotIn(b"root:", got, path)
        # In absolute form the same holds.
        got = self.raw(self.port, b"GET http://x/../secret.txt HTTP/1.1\r\nHost: x\r\n"
                                  b"Connection: close\r\n\r\n")
        self.assertTrue(got.startswith(b"HTTP/1.1 404 "), got)
        self.assertEqual(self.get("/").body, INDEX)
        self.finish(self.process)

    def test_links(self):
        def link(name, target):
            os.symlink(target, os.path.join(self.root, name))

        link("up.txt", "../secret.txt")
        link("absolute.txt", os.path.join(self.folder, "secret.txt"))
        link("folder", "../outside")
        link("around", "../site/style.css")
        link("passwd", "/etc/passwd")
        link("loop", "loop")
        link("dangling", "none")
        link("twice", "deep/third")
        os.symlink("../../secret.txt", os.path.join(self.root, "deep", "third"))
        for path in ("/up.txt", "/absolute.txt", "/folder/secret.txt", "/folder", "/folder/",
                     "/around", "/passwd", "/loop", "/dangling", "/twice", "/deep/third"):
            got = self.get(path)
            self.assertEqual(got.status, 404, path)
            self.assertEqual(got.body, b"no such file\n")
        link("inside.css", "style.css")
        link("inner", "deep")
        os.symlink("../style.css", os.path.join(self.root, "deep", "back.css"))
        for path in ("/inside.css", "/deep/back.css", "/inner/back.css"):
            self.check_file(path, b"p { color: red }\n", "text/css; charset=utf-8")
        self.finish(self.process)

    def test_what_is_no_file(self):
        os.mkfifo(os.path.join(self.root, "pipe"))
        self.assertEqual(self.get("/pipe").status, 404)  # and nobody waits for its writer
        if os.geteuid() != 0:
            os.chmod(os.path.join(self.root, "style.css"), 0)
            self.assertEqual(self.get("/style.css").status, 404)
        self.finish(self.process)

    def test_files_that_change(self):
        path = os.path.join(self.root, "news.txt")
        for i in range(50):
            with open(path + ".new", "wb") as file:
                file.write(b"%d\n" % i * (i + 1))
            os.replace(path + ".new", path)
            self.assertEqual(self.get("/news.txt").body, b"%d\n" % i * (i + 1))
        os.remove(path)
        self.assertEqual(self.get("/news.txt").status, 404)
        self.finish(self.process)

    def test_curl(self):
        url = f"http://127.0.0.1:{self.port}"
        out = os.path.join(self.folder, "out")
        said = self.run_tool("curl", "-sSL", "-o", out, "-w", "%{http_code} %{num_redirects}\n",
                             url + "/deep/er")
        self.assertEqual(said, "200 1\n")
        said = self.run_tool("curl", "-sS", "-o", out, "-w", "%{http_code} %{size_download}\n",
                             url + "/big.bin")
        self.assertEqual(said, "200 5000000\n")
        with open(out, "rb") as file:
            self.assertTrue(file.read() == self.big)
        said = self.run_tool("curl", "-sS", "--path-as-is", "-o", out, "-w", "%{http_code}\n",
                             url + "/../secret.txt")
        self.assertEqual(said, "404\n")
        said = self.run_tool("curl", "-sSI", "-w", "%{num_connects}\n", url + "/style.css",
                             url + "/empty.txt")
        self.assertIn("Content-Length: 17", said)
        self.assertEqual(said.splitlines()[-1], "0")  # no further connection for the second
        self.finish(self.process)

    @unittest.skipIf(NODE is None, "there is no Node here")
    def test_node(self):
        script = self.write("client.js", NODE_CLIENT)
        self.assertEqual(self.run_tool(NODE, script, str(self.port)),
                         f"200 {len(INDEX)}, 200 5000000, 200 17, 404 13, 200 5, 200 0 2\n")
        self.finish(self.process)


class Usage(HttpExampleTest):
    def test_without_a_folder(self):
        done = self.run_cli("run", os.path.join(SOURCE, "examples", "static_files.dom"))
        self.check(done, 2, "usage: static_files.dom -- FOLDER [PORT]\n", "")

    def test_with_a_folder_that_is_none(self):
        process, port = self.serve_example("static_files.dom", "none")
        self.assertEqual(self.ask(self.connect(port), "GET", "/").status, 404)
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
