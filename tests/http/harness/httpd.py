# SPDX-License-Identifier: Apache-2.0
"""A private httpd on a loopback port with TLS, and a judge of its error log."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess

import requests

from . import certs
from .tools import SERVER_USER, apxs, eventually, free_port, httpd_binary, run

BASE_MODULES = ("mpm_{mpm}", "authz_core", "authn_core", "authz_user", "authz_host", "headers",
                "mime", "dir", "alias", "include", "status", "env", "setenvif")

TLS_MODULES = ("socache_shmcb", "ssl")

# Two children at least, so that what one child knows is not mistaken for what all know.
MPM_SETTINGS = {
    "event": "StartServers 2\nServerLimit 16\nThreadsPerChild 8\nMaxRequestWorkers 32\n"
             "MinSpareThreads 16\nMaxSpareThreads 32\n",
    "worker": "StartServers 2\nServerLimit 16\nThreadsPerChild 8\nMaxRequestWorkers 32\n"
              "MinSpareThreads 16\nMaxSpareThreads 32\n",
    "prefork": "StartServers 4\nMinSpareServers 4\nMaxSpareServers 8\nMaxRequestWorkers 8\n",
}

CONF = """\
ServerRoot "{root}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{root}/httpd.pid"
DefaultRuntimeDir "{root}/run"
{modules}
{mpm_settings}
{user}
DocumentRoot "{root}/docs"
TypesConfig /dev/null
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
ErrorLog "{root}/error.log"
LogLevel info
Timeout 20
KeepAliveTimeout 2
GracefulShutdownTimeout 5
AllowEncodedSlashes NoDecode
{tls}
<Location /server-status>
    SetHandler server-status
</Location>
<Directory "{root}/docs">
    Options +IncludesNOEXEC
    Require all granted
</Directory>
Include "{root}/site.conf"
"""

TLS = """\
SSLEngine on
LogLevel ssl:warn
SSLSessionCache "shmcb:{root}/run/tls_sessions(512000)"
SSLCertificateFile "{root}/tls.crt"
SSLCertificateKeyFile "{root}/tls.key"
"""

BROKER = "samlcert-broker"    # SamlCertKeyBroker on

# httpd's own: the event MPM says this when it stops while a connection is kept alive or lingers.
NOISE = re.compile(r"AH0309[23]: process_\w+: apr_pollset_add failure")

LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug")
LINE = re.compile(r"^\[[^]]+\] \[(?P<module>\w*):(?P<level>\w+)\] \[pid (?P<pid>\d+)[^]]*\] (?P<text>.*)$")


@dataclasses.dataclass
class LogLine:
    level: str
    pid: int
    text: str
    raw: str

    @property
    def is_trouble(self):
        """A warning or worse, or the death of a child, which httpd reports as a notice."""
        if "exit signal" in self.text:
            return True
        if NOISE.search(self.text):
            return False
        return self.level in LEVELS[:LEVELS.index("warn") + 1]


def parse_log(text):
    lines = []
    for raw in text.splitlines():
        m = LINE.match(raw)
        if m:
            level = "debug" if m["level"].startswith("trace") else m["level"]
            lines.append(LogLine(level, int(m["pid"]), m["text"], raw))
        elif raw.strip():
            # No stamp: a library or the C runtime wrote to stderr. Nobody should.
            lines.append(LogLine("error", 0, raw, raw))
    return lines


# Tests swap the only key of an IdP all the time, and put it back behind themselves; the line about that
# is counted where it is the subject (test_rotation).
LOSS = re.compile("SMC0117")


class Httpd:
    """One server root, one port. `conf` is the part under test; it becomes site.conf."""

    def __init__(self, root, conf="", mpm="event", modules=(), tls=True):
        self.root = pathlib.Path(root)
        self.port = free_port()
        self.mpm = mpm
        self.process = None
        self.least_children = 2
        self._log_checked = 0
        # Crashes while we end it. The event MPM of httpd 2.4 closes the sockets of open connections
        # (close_worker_sockets) while its workers free them; test_stop shows that ours is no part of it.
        self._ends = []
        self._expected = []
        self.scheme = "https" if tls else "http"
        self.base = f"{self.scheme}://127.0.0.1:{self.port}"
        self.site_conf = self.root / "site.conf"
        self.main_conf = self.root / "httpd.conf"
        self._lay_down(modules, tls)
        self.configure(conf)

    def _lay_down(self, modules, tls):
        for d in ("docs", "run"):
            (self.root / d).mkdir(parents=True, exist_ok=True)
        self.tls_certificate = self.root / "tls.crt"
        if tls:
            certs.make(self.root / "tls.key", self.tls_certificate, "127.0.0.1", "ec",
                       extensions=("basicConstraints=critical,CA:FALSE",
                                   "subjectAltName=IP:127.0.0.1"))
        user = f"User {SERVER_USER}\nGroup {SERVER_USER}" if os.geteuid() == 0 else ""
        self.main_conf.write_text(CONF.format(
            root=self.root, port=self.port, user=user, mpm_settings=MPM_SETTINGS[self.mpm],
            modules=self._load_lines(BASE_MODULES + (TLS_MODULES if tls else ()) + tuple(modules)),
            tls=TLS.format(root=self.root) if tls else "") + self._cores())

    @staticmethod
    def _cores():
        """SAMLCERT_CORES names a directory for the cores of children that crash (ulimit -c, too)."""
        cores = os.environ.get("SAMLCERT_CORES")
        return f"CoreDumpDirectory {cores}\n" if cores else ""

    def _load_lines(self, names):
        """LoadModule lines; what this httpd has built in has no file and needs none."""
        lines = []
        for name in names:
            name = name.format(mpm=self.mpm)
            path = pathlib.Path(apxs("LIBEXECDIR")) / f"mod_{name}.so"
            if path.is_file():
                lines.append(f"LoadModule {name}_module {path}")
        return "\n".join(lines)

    def configure(self, conf):
        self.site_conf.write_text(conf)

    def document(self, path, text):
        file = self.root / "docs" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    # Running

    def _command(self, *arguments):
        return [str(httpd_binary()), "-d", str(self.root), "-f", str(self.main_conf), *arguments]

    def configtest(self):
        """httpd -t: exit code, and stdout with stderr."""
        done = run(*self._command("-t"), check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def start(self):
        assert self.process is None, "already running"
        # In the foreground under setpriv: whatever ends the tests ends the server too.
        with open(self.root / "console.log", "ab") as console:
            self.process = subprocess.Popen(
                [shutil.which("setpriv"), "--pdeathsig", "TERM", *self._command("-DFOREGROUND")],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        try:
            eventually(self._is_ready, timeout=20, what="httpd start")
        except AssertionError as e:
            self.stop()
            raise AssertionError(f"{e}\n{self.console()}{self.error_log()}") from None
        return self

    def _is_ready(self):
        """No child is starting any more: httpd's prefork children crash on a signal in that moment."""
        assert self.process.poll() is None, f"httpd ended with {self.process.returncode}"
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(self.tls_certificate)
            try:
                page = session.get(f"{self.base}/server-status?auto", timeout=5).text
            except requests.ConnectionError:
                return False
        scoreboard = re.search(r"^Scoreboard: (.*)$", page, re.M)
        return (scoreboard and "S" not in scoreboard[1]
                and len(self.children()) >= self.least_children)

    def graceful(self):
        """A graceful restart, complete when the parent says so."""
        before = self._resumed()
        os.kill(self.process.pid, signal.SIGUSR1)
        eventually(lambda: self._resumed() > before, what="graceful restart")
        eventually(self._is_ready, what="new children")

    def kill_children(self, every=0.05):
        """SIGKILL for all of them; complete when all are replaced."""
        self.tolerate(r"exit signal Killed \(9\)|AH10392")
        victims = set(self.children())
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.children() and not victims & set(self.children()), every=every,
                   what="new children")

    def _resumed(self):
        return self.error_log().count("resuming normal operations")

    def restart(self):
        """A full restart: everything stops, everything starts."""
        self.stop()
        self.start()

    def stop(self):
        if self.process is None:
            return
        group, before = self.process.pid, len(self.error_log())
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            self.process.wait(5)
            raise AssertionError(f"httpd ignored SIGTERM\n{self.error_log()[-2000:]}") from None
        finally:
            self.process = None
        self._ends += [line.raw for line in parse_log(self.error_log()[before:])
                       if "exit signal Segmentation fault" in line.text]

    def kill(self):
        """Parent and children at once, in the middle of whatever they do: a power cut without one."""
        children = self.children()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)
        self.process = None
        eventually(lambda: not any(pathlib.Path(f"/proc/{pid}/fd").exists() for pid in children),
                   what="the end of the children")

    def _processes(self):
        """(pid, name) of all that the parent has forked and that have not ended yet."""
        pid = self.process.pid
        found = []
        with contextlib.suppress(OSError):
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                with contextlib.suppress(OSError):
                    found.append((int(child), pathlib.Path(f"/proc/{child}/comm").read_text().strip()))
        return found

    def children(self):
        """Those that serve requests."""
        return [pid for pid, name in self._processes() if name != BROKER]

    def brokers(self):
        return [pid for pid, name in self._processes() if name == BROKER]

    # The error log

    def error_log(self):
        file = self.root / "error.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def console(self):
        file = self.root / "console.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def log_lines(self):
        return parse_log(self.error_log())

    def expect(self, pattern):
        """Announce trouble that this test makes on purpose. It must come, or the test fails."""
        self._expected.append([re.compile(pattern), True, 0])

    def tolerate(self, pattern):
        """Announce trouble that may come or not, for instance depending on timing."""
        self._expected.append([re.compile(pattern), False, 0])

    def judge_log(self):
        """Trouble that nobody announced, and announcements that nothing answered, since the last call."""
        text = self.error_log()
        fresh, self._log_checked = text[self._log_checked:], len(text)
        complaints = []
        for line in parse_log(fresh):
            if not line.is_trouble or line.raw in self._ends:
                continue
            matching = [e for e in self._expected if e[0].search(line.text)]
            for e in matching:
                e[2] += 1
            if not matching and not LOSS.search(line.text):
                complaints.append(f"unannounced: {line.raw}")
        complaints += [f"announced, but never came: {e[0].pattern}"
                       for e in self._expected if e[1] and not e[2]]
        self._expected = []
        return complaints
