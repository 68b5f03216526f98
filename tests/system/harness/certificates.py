"""Certificates of this machine for servers that speak TLS, and who signs them."""

import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


class Authority:
    """`certificate` is the file that clients trust."""

    def __init__(self, folder, name="authority"):
        self.folder = folder
        self.name = name
        self.count = 0
        self.certificate, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self._make(self.certificate, self.key, "-subj", f"/CN={name}")

    @staticmethod
    def _make(certificate, key, *words):
        command = ["openssl", "req", "-x509", *NEW_KEY, "-keyout", key, "-out", certificate, *words]
        subprocess.run(command, check=True, capture_output=True)

    def issue(self):
        """Settings of a server with a certificate of its own."""
        self.count += 1
        start = f"{self.name}-server{self.count}"
        certificate, key = self.folder / f"{start}.crt", self.folder / f"{start}.key"
        signed = ["-CA", self.certificate, "-CAkey", self.key, "-addext", "basicConstraints=CA:FALSE"]
        self._make(certificate, key, "-subj", f"/CN={start}", "-addext", NAMES, *signed)
        return {
            "tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": self.certificate,
            "tls-auth-clients": "no",
        }  # fmt: skip
