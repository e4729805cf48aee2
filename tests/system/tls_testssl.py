#!/usr/bin/env python3
"""testssl.sh, which knows what is wrong with TLS servers, finds nothing worse than "low" with a
route: versions, ciphers, key exchange, certificate, and all vulnerabilities that it looks for."""

import json
import os
import shutil
import subprocess
import unittest

from support.certificates import Authority
from support.cli import BLOB, PRINT, TCP, TIMER
from support.service import ServiceTest

SERVICE = (
    PRINT
    + TIMER
    + TCP
    + BLOB
    + """
callback i32 Page(ref blob $X)
{
    $X = blob.FromText("HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n");
    return(1);
}

i32 main()
{
    i64 $lid = callbacktcp.Open("Page", 60000);
    callbacktcp.EnableTls($lid, "server.crt", "server.key");
    printf("port %d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)
WORSE_THAN_LOW = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
# Of the certificate that the test makes, and not of the route: nobody says whether it was taken
# back.
OF_THE_CERTIFICATE = ("cert_revocation",)
LOOKED_AT = ("--protocols", "--std", "--fs", "--server-preference", "--server-defaults",
             "--vulnerable")


class Testssl(ServiceTest):
    def test_nothing_worse_than_low(self):
        program = shutil.which("testssl")
        self.assertIsNotNone(program, "testssl.sh is not installed; run ./dev setup")
        authority = Authority(self.folder)
        authority.sign("server", days="200")
        _, port = self.serve(SERVICE)
        report = os.path.join(self.folder, "report.json")
        done = subprocess.run(
            [program, "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--nodns",
             "min", "--add-ca", authority.path("ca.crt"), "--jsonfile", report, *LOOKED_AT,
             f"https://127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False)
        with open(report, encoding="utf-8") as file:
            found = json.load(file)
        self.assertGreater(len(found), 60, done.stdout + done.stderr)
        looked_at = {each["id"] for each in found}
        for must in ("TLS1", "TLS1_2", "TLS1_3", "cipherlist_NULL", "PFS", "heartbleed", "ROBOT",
                     "secure_client_renego", "CRIME_TLS", "POODLE_SSL", "LUCKY13"):
            self.assertIn(must, looked_at, done.stdout)
        worse = [f"{each['severity']} {each['id']}: {each['finding']}" for each in found
                 if each["severity"] in WORSE_THAN_LOW and each["id"] not in OF_THE_CERTIFICATE]
        self.assertEqual(worse, [], done.stdout)


if __name__ == "__main__":
    unittest.main()
