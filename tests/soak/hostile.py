#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile messages by the hundred thousand, posted to the ACS of a running server.

usage: SAMLCERT_BUILD=DIR tests/soak/hostile.py [--mpm event|worker|prefork] [--count 100000] [--seed N]
                                                [--warm 25000]

They are those of tests/fuzz/corpus/response, as they are and mutated, judged with the trust directory
and the keys that they were made for, so that they come as far as such messages can; one in fifty is
one that an honest IdP just signed, with a change after that; and now and then somebody logs in. Exit
code 0 if nobody else got in, nothing crashed, and memory, descriptors and log stayed within bounds.
Before those that count --warm others are posted, after which memory is weighed for the first time: each
thread keeps as much as its largest message needed.
"""
import argparse
import base64
import multiprocessing
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "http")]

from harness.client import Client, facts, log_in  # noqa: E402
from harness.keyholder import KeyHolder, Pair  # noqa: E402
from harness.service import Service  # noqa: E402
from monitor import Monitor  # noqa: E402

FUZZ = HERE.parent / "fuzz"
# What the corpus was made for: tests/fuzz/seeds.h.
SP, BASE = "https://sp.example.org/saml", "https://sp.example.org"
SITE = """\
LoadModule samlcert_module {module}
SamlCertTrustDir {trust}
SamlCertStateDir {state}
SamlCertEntityID https://sp.example.org/saml
SamlCertBaseURL https://sp.example.org
SamlCertInsecureCookies on
MaxKeepAliveRequests 0
<Location /status>
    SetHandler samlcert-status
</Location>
<Location /app>
    AuthType SAML
    Require saml-session
</Location>
{extra}
"""
PROCESSES = 3
MAX_GROWTH = 2048        # KiB of anonymous memory
MAX_LINE = 600           # bytes of the log for each message
MAX_TROUBLE = 250        # warnings: of 32 signers that nobody configured, for each of the IdPs
TOKENS = (b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<!-- x -->", b"<![CDATA[x]]>", b"&#0;", b"&lt;", b"\xff", b"\0",
          b"xmlns:saml='urn:x'", b"ID='a'", b"<saml:Assertion>", b"</saml:Assertion>", b"<a>" * 300,
          b" a='1' b='2' c='3'" * 50, b"urn:oasis:names:tc:SAML:2.0:assertion",
          b"http://www.w3.org/TR/1999/REC-xslt-19991116", b"#xpointer(/)", b"A" * 5000)


def mutate(data, corpus, dice):
    """The message with one to four changes of the usual kinds."""
    data = bytearray(data)
    for _ in range(dice.choice((0, 1, 1, 1, 2, 4))):
        at = dice.randrange(len(data) + 1)
        end = min(len(data), at + dice.choice((1, 8, 64, 1024)))
        what = dice.randrange(12)
        if what >= 6:            # still well-formed, mostly: another letter or digit
            at = next((i for i in range(at, len(data)) if chr(data[i]).isalnum()), len(data))
            data[at:at + 1] = dice.choice(b"0aAz9_").to_bytes(1, "big")
        elif what == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif what == 1:
            del data[at:end]
        elif what == 2:
            data[at:at] = data[at:end]
        elif what == 3:
            data[at:at] = dice.choice(TOKENS)
        elif what == 4:
            other = dice.choice(corpus)
            start = dice.randrange(len(other))
            data[at:end] = other[start:start + dice.choice((16, 256, 4096))]
        else:
            del data[at:]
    return bytes(data)


def as_field(data, dice):
    """Base64 as it ought to be, mostly."""
    text = base64.b64encode(data).decode()
    how = dice.random()
    if how < 0.9:
        return text
    if how < 0.95:
        return text[:dice.randrange(len(text) + 1)]
    return text.replace("A", dice.choice("!= \n-"), 3)


def attack(number, service, idp, count, seed, queue):
    """One process of attackers: posts, and counts the answers."""
    dice = random.Random(seed * 100 + number)
    corpus = [p.read_bytes() for p in sorted((FUZZ / "corpus/response").iterdir())]
    lost = []
    client = Client(service["port"], lost)
    answers, wrong, logins = {}, [], 0
    for i in range(count):
        if i % 50 == 25:
            message = base64.b64decode(idp.answer("_request", SP, service["acs"], "mallory", "x"))
            message = message.replace(b"mallory", b"admin\0"[:5 + i % 2])
        else:
            message = mutate(dice.choice(corpus), corpus, dice)
        form = {"SAMLResponse": as_field(message, dice)}
        if dice.random() < 0.3:
            form["RelayState"] = dice.choice(("/app/", "x" * 300, "0" * 32, "https://evil.example/"))
        answer = client.once("POST", "/saml/acs", None, form)
        status = answer.status if answer else 0
        answers[status] = answers.get(status, 0) + 1
        if answer and (status == 303 or "samlcert" in str(answer.cookies())):
            wrong.append(base64.b64encode(message).decode())
        if i % 500 == 499:
            login = log_in(client, service, idp, "honest", idp.signer, f"user-{number}-{i}", "mark")
            logins += login.status == 303 and not login.wrong
    queue.put((answers, wrong, logins, count // 500, len(lost)))


def lay_out(directory, mpm):
    idp = KeyHolder("honest", Pair("honest"))
    service = Service(pathlib.Path(directory) / mpm, idp, mpm=mpm, tls=False, site=SITE,
                      settings=("ClockSkew 60",))
    service.entity_id, service.acs = SP, f"{BASE}/saml/acs"
    shutil.rmtree(service.trust.root / "sp")
    shutil.copytree(FUZZ / "data/trust", service.trust.root, dirs_exist_ok=True)
    for path in service.trust.root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return service, idp


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mpm", choices=("event", "worker", "prefork"), default="event")
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--warm", type=int, default=25000)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.randrange(1000000) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="samlcert-hostile-") as directory:
        os.chmod(directory, 0o755)
        service, idp = lay_out(directory, options.mpm)
        httpd = service.httpd.start()
        try:
            criteria = soak(service, idp, options.warm, options.count, seed)
        finally:
            httpd.stop()
    for name, holds in criteria.items():
        print(f"{'pass' if holds else 'FAIL'}  {name}")
    return 0 if all(criteria.values()) else 1


def soak(service, idp, warm, count, seed):
    httpd = service.httpd
    print(f"seed: {seed}", flush=True)
    monitor = Monitor(httpd, every=1).start()
    size = len(httpd.error_log())
    queue = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=attack, args=(
        n, facts(service), idp, (warm + count) // PROCESSES, seed, queue)) for n in range(PROCESSES)]
    began = time.monotonic()
    for w in workers:
        w.start()
    results = [queue.get() for _ in workers]
    ended = time.monotonic()
    monitor.stop()
    answers = {}
    for result in results:
        for status, n in result[0].items():
            answers[status] = answers.get(status, 0) + n
    wrong = [message for r in results for message in r[1]]
    lines = httpd.log_lines()
    trouble = [x.raw for x in lines
               if x.is_trouble and not any(tag in x.text for tag in ("SMC0007", "SMC0103"))]
    grown = monitor.growth(began + warm / (warm + count) * (ended - began), ended)
    posted = sum(answers.values())
    print(f"messages: {posted} in {ended - began:.0f} s, {posted / (ended - began):.0f}/s")
    print(f"answers: {dict(sorted(answers.items()))}; codes: {service.status()['logins']}")
    print(f"honest logins between: {sum(r[2] for r in results)} of {sum(r[3] for r in results)}")
    for g in grown:
        print(f"{'parent' if g.is_parent else 'child'} {g.pid}: resident {g.resident} KiB, anonymous "
              f"{g.anonymous} KiB, open files {g.files}, when warm and at the end; in its course "
              f"{monitor.course(g.pid, began, ended, 11)}")
    print(f"log: {(len(httpd.error_log()) - size) / posted:.0f} bytes a message, {len(trouble)} lines of "
          "trouble")
    for message in wrong[:5]:
        print(f"! accepted: {message}")
    for line in trouble[:5]:
        print(f"! {line[:300]}")
    return {
        "nobody got in": not wrong,
        "every honest login succeeds": all(r[2] == r[3] for r in results),
        "no connection is lost, no process ended":
            answers.get(0, 0) == 0 and sum(r[4] for r in results) == 0
            and not any("exit signal" in x.text for x in lines),
        "no answer is an internal error": 500 not in answers and 503 not in answers,
        f"no process grows by {MAX_GROWTH} KiB":
            bool(grown) and all(g.anonymous[1] - g.anonymous[0] < MAX_GROWTH for g in grown),
        "no file descriptor is left open": all(g.files[1] <= g.files[0] + 2 for g in grown),
        f"the log grows by less than {MAX_LINE} bytes a message":
            len(httpd.error_log()) - size < MAX_LINE * posted,
        f"fewer than {MAX_TROUBLE} lines of it are warnings or errors": len(trouble) < MAX_TROUBLE}


if __name__ == "__main__":
    sys.exit(main())
