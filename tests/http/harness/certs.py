# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates, made by openssl, and what openssl says about them."""

import dataclasses
import pathlib
import re
import subprocess
import tempfile

from .tools import run


@dataclasses.dataclass(frozen=True)
class Signer:
    """A private key and its certificate."""
    key: pathlib.Path
    certificate: pathlib.Path

    @property
    def pem(self):
        return self.certificate.read_text()


def make(key, certificate, name, algorithm="rsa:2048", days=365, extensions=(), expired=False):
    """A self-signed certificate and its key."""
    command = ["openssl", "req", "-x509", "-newkey", algorithm, "-nodes", "-sha256", "-days", str(days),
               "-subj", f"/CN={name}", "-keyout", key, "-out", certificate]
    if algorithm == "ec":
        command += ["-pkeyopt", "ec_paramgen_curve:prime256v1"]
    for e in extensions:
        command += ["-addext", e]
    run(*command)
    signer = Signer(pathlib.Path(key), pathlib.Path(certificate))
    if expired:
        _let_expire(signer)
    return signer


def encrypted(key, passphrase, *options):
    """A private key as PKCS#8 under a passphrase."""
    return run("openssl", "pkcs8", "-topk8", "-in", key, "-passout", f"pass:{passphrase}",
               "-v2", "aes-256-cbc", *options).stdout


def _let_expire(signer):
    """The same certificate with dates in the past: OpenSSL 3.0's `req` sets none, `ca` does."""
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / "index").touch()
        conf = pathlib.Path(directory) / "conf"
        conf.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={directory}/index\n"
                        f"new_certs_dir={directory}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
                        "[p]\ncommonName=supplied\n")
        run("openssl", "x509", "-x509toreq", "-in", signer.certificate, "-signkey", signer.key,
            "-out", f"{directory}/csr")
        run("openssl", "ca", "-batch", "-selfsign", "-config", conf, "-notext", "-in",
            f"{directory}/csr", "-keyfile", signer.key, "-out", signer.certificate,
            "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")


def fingerprint(certificate, digest="sha256"):
    """Hex, lower case, no colons."""
    text = run("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", f"-{digest}").stdout
    return text.split("=", 1)[1].strip().replace(":", "").lower()


def spki_sha256(certificate):
    pem = run("openssl", "x509", "-in", certificate, "-noout", "-pubkey").stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem.encode(),
                         capture_output=True, timeout=30, check=True).stdout
    done = subprocess.run(["openssl", "dgst", "-sha256", "-hex"], input=der,
                          capture_output=True, timeout=30, check=True)
    return done.stdout.decode().rsplit(" ", 1)[1].strip()


def body(certificate):
    """The base64 between the PEM lines, as it goes into ds:X509Certificate."""
    pem = pathlib.Path(certificate).read_text()
    return "".join(re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.S)[1].split())
