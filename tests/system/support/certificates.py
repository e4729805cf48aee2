"""Certificates for tests, made by the openssl command so that none can be out of date."""

import os
import subprocess


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")


class Authority:
    """An authority and what it has signed, as NAME.crt and NAME.key in a folder."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.name = name
        self.make(name, ["-x509", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, more):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", f"/CN={name}", "-keyout", self.path(name + ".key"), *more,
                "-out", self.path(name + (".crt" if "-x509" in more else ".csr")))

    def sign(self, name, names="DNS:localhost,IP:127.0.0.1", days="2"):
        self.make(name, [])
        with open(self.path(name + ".ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-days", days,
                "-CA", self.path(self.name + ".crt"), "-CAkey", self.path(self.name + ".key"),
                "-CAcreateserial", "-extfile", self.path(name + ".ext"),
                "-out", self.path(name + ".crt"))
