#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes every call of the core into OpenSSL, libxml2 and xmlsec1 a place where a fault can be put.

usage: fault_wrap.py COMPILE LIBRARY CORE OUT

COMPILE   gcc with the include paths, as one argument
LIBRARY   libsamlcert.a: what it leaves undefined is what the core calls
CORE      the sources of the core: the headers that they include have the prototypes
OUT       writes OUT.c, a wrapper for each function, and OUT.ld, the linker's options that put them in

A wrapper asks fault_due() and either returns what its function returns when it fails, or calls it. What
failure looks like is told by the type and the library, and by the tables below where that is wrong.
"""
import os
import re
import subprocess
import sys

LIBRARIES = {"openssl": "0", "libxml": "-1", "xmlsec": "-1"}   # how an integer says "failed"

# Functions that say it in another way.
FAILURES = {
    "BN_bn2binpad": "-1",
    "EVP_PKEY_eq": "-2",
    "X509_NAME_cmp": "-2",
    "X509_cmp": "-2",
    "X509_get_extension_flags": "EXFLAG_INVALID",
    "X509_verify_cert": "-1",
    "i2d_PUBKEY": "-1",
    "i2d_X509": "-1",
    "xmlParseInNodeContext": "XML_ERR_NO_MEMORY",
    "xmlSecBufferGetSize": "0",
    "xmlSecPtrListGetSize": "0",
}

# Functions that cannot fail: they hand out constants or look at what is there.
SAFE = re.compile(r"""
    ASN1_STRING_(get0_data|length|type)
    | BIO_(free|s_mem)
    | BN_(is_odd|is_one|num_bits)
    | ECDSA_SIG_get0_[rs]
    | ERR_(get_error|peek_error)
    | EVP_(sha\d+|aes_\w+|des_\w+)
    | EVP_CIPHER_get_(block_size|key_length|mode)
    | OPENSSL_sk_(num|value)
    | OSSL_PARAM_construct_\w+
    | X509_(get_(subject|issuer)_name|get0_(notBefore|notAfter|serialNumber)|verify_cert_error_string)
    | X509_STORE_get0_param
    | X509_STORE_CTX_get_(error|error_depth)
    | __xmlGenericError(Context)?
    | xmlDocGetRootElement
    | xmlGetExternalEntityLoader
    | xmlIsBlankNode
""", re.VERBOSE)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def undefined(library):
    """What the objects of the library refer to."""
    words = (line.split() for line in run("nm", "-u", library).splitlines())
    return sorted({w[1] for w in words if len(w) == 2 and w[0] == "U"})


def prototypes(compile_command, core, out):
    """Name -> (library, return type, arguments), from the headers that the core includes."""
    pattern = re.compile(r"^#include (<(?:openssl|libxml|xmlsec)/[^>]*>)", re.MULTILINE)
    headers = set()
    for folder, _, files in os.walk(core):
        for name in files:
            if name.endswith((".c", ".h")):
                with open(os.path.join(folder, name), encoding="utf-8") as source:
                    headers.update(pattern.findall(source.read()))
    includes = ["<xmlsec/xmlsec.h>"] + sorted(headers)   # xmlsec1 wants its first header first
    text = "".join(f"#include {name}\n" for name in includes)
    with open(out + ".h", "w", encoding="utf-8") as header:
        header.write(text)
    run(*compile_command.split(), "-fsyntax-only", "-aux-info", out + ".protos", "-x", "c",
        out + ".h")
    found = {}
    line_pattern = re.compile(r"^/\* (\S+):\d+:\w+ \*/ extern (.*?)(\w+) \((.*)\);")
    with open(out + ".protos", encoding="utf-8") as listing:
        for line in listing:
            match = line_pattern.match(line)
            library = match and re.search(r"/(openssl|libxml|xmlsec)/", match.group(1))
            if library:
                found[match.group(3)] = (library.group(1), match.group(2).strip(), match.group(4))
    return found


def split_arguments(text):
    """At the commas that are not within parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def name_argument(kind, number):
    if "(*)" in kind:
        return kind.replace("(*)", f"(*a{number})", 1)
    return f"{kind} a{number}"


def failure(name, library, returns):
    if name in FAILURES:
        return FAILURES[name]
    is_number = re.fullmatch(r"(const )?(unsigned |signed )?(int|long int|long|size_t|uint32_t)",
                             returns)
    return LIBRARIES[library] if is_number else "NULL"


def wrapper(name, library, returns, arguments):
    kinds = [] if arguments == "void" else split_arguments(arguments)
    named = ", ".join(name_argument(kind, i) for i, kind in enumerate(kinds)) or "void"
    passed = ", ".join(f"a{i}" for i in range(len(kinds)))
    due = "fault_due_openssl" if library == "openssl" else "fault_due"
    return (f"{returns} __real_{name}({arguments});\n"
            f"{returns} __wrap_{name}({arguments});\n"
            f"{returns} __wrap_{name}({named})\n{{\n"
            f"    return {due}(FAULT_{name}) ? {failure(name, library, returns)}\n"
            f"           : __real_{name}({passed});\n}}\n")


def main():
    compile_command, library, core, out = sys.argv[1:]
    known = prototypes(compile_command, core, out)
    ours = re.compile(r"^(EVP|X509|BN|OSSL|OPENSSL|CRYPTO|ERR|PEM|[di]2[di]|ASN1|RAND|BIO|EC|ECDSA"
                      r"|RSA|GENERAL|OBJ|HMAC|_*xml)(_|[A-Z])")
    names = [name for name in undefined(library)
             if name in known and known[name][1] != "void" and not SAFE.fullmatch(name)]
    for name in undefined(library):
        if ours.match(name) and name not in known and name != "xmlFree":   # a variable
            sys.exit(f"fault_wrap.py: no prototype of {name} in the headers that the core includes")
    with open(out + ".c", "w", encoding="utf-8") as source:
        source.write('/* Made by fault_wrap.py. */\n#include "fault_points.h"\n')
        source.write(f'#include "{os.path.basename(out)}.h"\n\n')
        source.write("enum {\n" + "".join(f"    FAULT_{name},\n" for name in names) + "};\n\n")
        source.write("const char *const fault_names[] = {\n"
                     + "".join(f'    "{name}",\n' for name in names) + "    NULL\n};\n\n")
        source.write("\n".join(wrapper(name, *known[name]) for name in names))
    with open(out + ".ld", "w", encoding="utf-8") as options:
        options.write("".join(f"--wrap={name}\n" for name in names))
    os.remove(out + ".protos")


main()
