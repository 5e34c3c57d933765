/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directives of the module, one table for each context. Configuration structs, parser, merge,
 * reference manual and tests are generated from them. The settings of an IdP have their own table
 * in core/trust/settings.h: each of them is a directive as well, with the prefix SamlCert, inside
 * <SamlCertIdP NAME>. This header needs nothing of httpd.
 */
#ifndef MOD_SAMLC_DIRECTIVES_H
#define MOD_SAMLC_DIRECTIVES_H

#ifndef SAMLC_STATE_DIR /* set by configure */
#define SAMLC_STATE_DIR "LOCALSTATEDIR/lib/mod_samlcert"
#endif

#define MOD_SAMLC_PREFIX "SamlCert"
#define MOD_SAMLC_SECTION "<SamlCertIdP"

#define MOD_SAMLC_SERVER_CONTEXT "server config, virtual host"
#define MOD_SAMLC_DIRECTORY_CONTEXT "directory, .htaccess (AllowOverride AuthConfig)"
#define MOD_SAMLC_SECTION_CONTEXT "<SamlCertIdP NAME>"

/*
 * X(Name, member, type, min, max, words, default, syntax, help)
 *   type   TEXT (any value), PATH (absolute), ORIGIN (scheme://host[:port]), ENDPOINT (/path),
 *          CHOICE (one of words), FLAG (on|off), NUMBER (min to max), SIZE (min to max, K M G),
 *          HOSTS (several), PASSPHRASE (file:PATH or exec:PROGRAM [ARG...])
 *   default as it would be written; NULL: none
 */
#define MOD_SAMLC_SERVER_DIRECTIVES(X)                                                             \
    X(TrustDir, trust_dir, PATH, 0, 0, NULL, NULL, "DIR",                                          \
      "trust directory: identity providers, certificates, own keys; read again when it changes. "  \
      "A virtual host that has none, nor inherits one, takes no part")                             \
    X(StateDir, state_dir, PATH, 0, 0, NULL, SAMLC_STATE_DIR, "DIR",                               \
      "where the module keeps sessions, replay claims, its own secrets and the last good "         \
      "generations (with copies of our private keys); made at the start, owned by the server's "   \
      "user")                                                                                      \
    X(EntityID, entity_id, TEXT, 0, 0, NULL, NULL, "URI",                                          \
      "our own entity ID, needed; inside <SamlCertIdP> the entity ID of that identity provider")   \
    X(BaseURL, base_url, ORIGIN, 0, 0, NULL, NULL, "https://HOST[:PORT]",                          \
      "this site as browsers see it (by default https:// and the ServerName); the Host header is " \
      "never asked")                                                                               \
    X(Endpoint, endpoint, ENDPOINT, 0, 0, NULL, "/saml", "PATH",                                   \
      "where acs, login, logout and metadata are found")                                           \
    X(Store, store, CHOICE, 0, 0, "lmdb", "lmdb", "lmdb",                                          \
      "where sessions and replay claims are kept")                                                 \
    X(StoreSize, store_size, SIZE, 1048576, 1099511627776, NULL, "1G", "BYTES[K|M|G]",             \
      "the most that the store may grow to; the file is sparse. A full store refuses logins, it "  \
      "never forgets a replay claim")                                                              \
    X(Sessions, sessions, CHOICE, 0, 0, "store", "store", "store", "where a session lives")        \
    X(SessionLifetime, session_lifetime, NUMBER, 1, 31536000, NULL, "28800", "SECONDS",            \
      "longest life of a session; the identity provider may shorten it")                           \
    X(SessionIdle, session_idle, NUMBER, 1, 31536000, NULL, "3600", "SECONDS",                     \
      "a session that is not used for so long ends")                                               \
    X(AllowedHosts, allowed_hosts, HOSTS, 0, 0, NULL, NULL, "HOST[:PORT]...",                      \
      "other hosts that a browser may be sent to after login and logout, by https")                \
    X(InsecureCookies, insecure_cookies, FLAG, 0, 0, NULL, "off", "on|off",                        \
      "cookies for plain http, which anybody on the way can steal: for development only")          \
    X(MaxPost, max_post, SIZE, 1024, 1048576, NULL, "256K", "BYTES[K|M]",                          \
      "largest login response that is read")                                                       \
    X(ReloadInterval, reload_interval, NUMBER, 100, 60000, NULL, "250", "MILLISECONDS",            \
      "how often each child looks at the trust directory; every login looks besides")              \
    X(KeyPassphrase, key_passphrase, PASSPHRASE, 0, 0, NULL, NULL,                                 \
      "file:PATH|exec:PROGRAM [ARG...]",                                                           \
      "where the passphrase of encrypted private keys comes from: the first line of a file that "  \
      "only root can read, or of what a program prints that root runs at each start, restart and " \
      "configuration test, for 30 seconds at most")                                                \
    X(KeyBroker, key_broker, FLAG, 0, 0, NULL, "off", "on|off",                                    \
      "a process of its own hands private keys to the children, so that key files can stay "       \
      "readable for root alone (0600); it needs a server that root starts")                        \
    X(Guard, guard, FLAG, 0, 0, NULL, "off", "on|off",                                             \
      "refuse a change of the trust directory by which an identity provider loses its last usable "\
      "key, or all of them at once, or we our active one; off: it is taken, and the log says what" \
      " was lost (SMC0117). A change by samlcertctl is judged there (--force)")

#define MOD_SAMLC_DIRECTORY_DIRECTIVES(X) \
    X(LoginIdP, login_idp, TEXT, 0, 0, NULL, NULL, "NAME", \
      "the identity provider that browsers are sent to, where several are configured")

#endif
