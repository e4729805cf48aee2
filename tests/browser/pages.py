#!/usr/bin/env python3
"""The examples that speak HTTP as a browser sees them: pages, scripts, images, redirects, what it
does with keep-alive, and TLS. Chromium without a window, driven over WebDriver; not a part of the
usual tests because of its size: ./dev test --browser."""

import base64
import http.client
import json
import os
import re
import subprocess
import unittest

from support.certificates import Authority
from support.cli import BLOB, HTTP, PRINT, TIMER, WEB
from support.http_examples import HttpExampleTest

TIMEOUT_S = 120
PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
                           "RU5ErkJggg==")
CONNECTIONS_MOST = 6  # that the browser opens to one host

SECURE = (
    PRINT
    + TIMER
    + BLOB
    + WEB
    + HTTP
    + """
callback i32 Answer(ref blob $request)
{
    $request = web.HttpTextResponse(200, "text/html; charset=utf-8", "<p>over TLS</p>", $request);
    return(1);
}

i32 main()
{
    i64 $l = callbackhttp.Open("Answer", 5000);
    callbackhttp.EnableTls($l, "server.crt", "server.key");
    printf("https://127.0.0.1:%d/\\n", callbackhttp.Port($l));
    while (callbackhttp.State($l) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)


class Browser:
    """One window of Chromium."""

    def __init__(self, folder):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, cwd=folder)
        self.session = None
        for line in self.driver.stdout:
            started = re.search(r"started successfully on port (\d+)", line)
            if started:
                self.connection = http.client.HTTPConnection("127.0.0.1", int(started.group(1)),
                                                             timeout=TIMEOUT_S)
                break
        else:
            raise RuntimeError("chromedriver did not start")
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                     "--no-first-run", f"--user-data-dir={folder}/profile"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        try:
            made = self.command("POST", "/session", {"capabilities": {"alwaysMatch": {
                "acceptInsecureCerts": True, "goog:chromeOptions": {"args": arguments},
                "timeouts": {"script": TIMEOUT_S * 1000}}}})
        except Exception:
            self.close()
            raise
        self.session = made["sessionId"]

    def command(self, method, path, body=None):
        self.connection.request(method, path, body=None if body is None else json.dumps(body))
        value = json.loads(self.connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(value["message"])
        return value

    def open(self, url):
        self.command("POST", f"/session/{self.session}/url", {"url": url})

    def run(self, script):
        """Runs the body of an async function in the page; what it returns."""
        done = self.command("POST", f"/session/{self.session}/execute/async", {
            "args": [], "script": "const done = arguments[0];"
            f"(async () => {{ {script} }})().then((value) => done({{value}}),"
            "(error) => done({error: String(error && error.stack)}));"})
        if "error" in done:
            raise RuntimeError(done["error"])
        return done.get("value")

    def close(self):
        try:
            if self.session is not None:
                self.command("DELETE", f"/session/{self.session}")
        finally:
            self.connection.close()
            self.driver.terminate()
            self.driver.communicate(timeout=TIMEOUT_S)


class Pages(HttpExampleTest):
    def setUp(self):
        super().setUp()
        self.browser = Browser(self.folder)
        self.addCleanup(self.browser.close)

    def make_site(self):
        os.makedirs(os.path.join(self.folder, "site/deep/er"))
        for name, content in {
                "index.html": b"<!DOCTYPE html><meta charset=utf-8><title>home</title>"
                              b"<link rel=stylesheet href=style.css><p id=p>hello</p>"
                              b"<img id=i src=/picture.png><script src=app.js></script>"
                              b"<script src=not_a_script.txt></script>",
                "style.css": b"p { color: rgb(1, 2, 3) }", "app.js": b"window.ran = 1;",
                "not_a_script.txt": b"window.ran = 2;", "picture.png": PICTURE,
                "data.json": b'{"a": [1, 2, 3]}', "big.txt": b"0123456789" * 300_000,
                "deep/er/index.html": b"<title>deep</title><a id=a href=../../>up</a>"}.items():
            with open(os.path.join(self.folder, "site", name), "wb") as file:
                file.write(content)

    def test_a_site(self):
        self.make_site()
        process, port = self.serve_example("static_files.dom", os.path.join(self.folder, "site"))
        page = self.browser
        page.open(f"http://127.0.0.1:{port}/")
        self.assertEqual(page.run("""
            await new Promise((go) => document.readyState === 'complete' ? go() : onload = go);
            const image = document.getElementById('i');
            return [document.title, getComputedStyle(document.getElementById('p')).color,
                    image.naturalWidth, window.ran];"""), ["home", "rgb(1, 2, 3)", 1, 1])
        self.assertEqual(page.run("""
            const got = [(await (await fetch('/data.json')).json()).a,
                         (await (await fetch('/big.txt')).text()).length];
            for (const path of ['/none', '/.hidden', '/%2e%2e%2fsite', '/a%00'])
                got.push((await fetch(path)).status);
            const head = await fetch('/big.txt', {method: 'HEAD'});
            got.push(head.headers.get('Content-Length'), (await head.text()).length);
            const refused = await fetch('/data.json', {method: 'POST', body: 'x'.repeat(200000)});
            got.push(refused.status, refused.headers.get('Allow'));
            const moved = await fetch('/deep/er');
            got.push(moved.redirected, new URL(moved.url).pathname);
            return got;"""), [[1, 2, 3], 3_000_000, 404, 404, 404, 404, "3000000", 0, 405,
                              "GET, HEAD", True, "/deep/er/"])
        page.open(f"http://127.0.0.1:{port}/deep/er")
        self.assertEqual(page.run("return [document.title, location.pathname,"
                                  "document.getElementById('a').href];"),
                         ["deep", "/deep/er/", f"http://127.0.0.1:{port}/"])
        self.finish(process)

    def test_connections_are_used_again(self):
        self.make_site()
        process, port = self.serve_example("static_files.dom", os.path.join(self.folder, "site"))
        self.browser.open(f"http://127.0.0.1:{port}/")
        asked, made = self.browser.run("""
            performance.clearResourceTimings();
            const rounds = [];
            for (let i = 0; i < 60; i++)
                rounds.push(fetch(`/data.json?${i}`, {cache: 'no-store'}).then((r) => r.json()));
            await Promise.all(rounds);
            const all = performance.getEntriesByType('resource')
                .filter((one) => one.name.includes('data.json'));
            return [all.length, all.filter((one) => one.connectEnd > one.connectStart).length];""")
        self.assertEqual(asked, 60)
        self.assertLessEqual(made, CONNECTIONS_MOST)
        self.finish(process)

    def test_notes(self):
        process, port = self.serve_example("rest.dom")
        self.browser.open(f"http://127.0.0.1:{port}/notes")
        self.assertEqual(self.browser.run("""
            const send = (method, path, note) => fetch(path, {
                method, headers: note && {'Content-Type': 'application/json'},
                body: note && JSON.stringify(note)});
            const made = await Promise.all([...Array(20).keys()].map(
                (i) => send('POST', '/notes', {text: `\\u20ac \\u{1f600} "${i}"`})));
            const notes = await Promise.all(made.map((answer) => answer.json()));
            const list = await (await send('GET', '/notes')).json();
            const ids = (some) => some.map((note) => note.id).sort((a, b) => a - b).join();
            if (ids(list) !== ids(notes)) throw new Error('another list');
            const same = notes.every((note) => list.some(
                (other) => other.id === note.id && other.text === note.text));
            await send('PUT', made[0].headers.get('Location'), {text: 'changed'});
            const one = await (await send('GET', made[0].headers.get('Location'))).json();
            const gone = await Promise.all(notes.map((note) => send('DELETE', `/notes/${note.id}`)));
            return [made.every((answer) => answer.status === 201), same, one.text,
                    gone.every((answer) => answer.status === 204),
                    await (await send('GET', '/notes')).json(),
                    (await send('GET', `/notes/${notes[3].id}`)).status];"""),
                         [True, True, "changed", True, [], 404])
        self.finish(process)

    def test_tls(self):
        Authority(self.folder).sign("server")
        process = self.start(SECURE)
        url = process.stdout.readline().strip()
        self.browser.open(url)
        self.assertEqual(self.browser.run("""
            const all = await Promise.all([...Array(30).keys()].map(
                async (i) => (await fetch(`/${i}`, {cache: 'no-store'})).text()));
            return [document.body.innerText, location.protocol, new Set(all).size];"""),
                         ["over TLS", "https:", 1])
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
