# SPDX-License-Identifier: Apache-2.0
"""The corpus of tests/corpus, judged by samlcertctl: every case, with the clock of the corpus."""

import concurrent.futures
import datetime
import os

import pytest

from corpus import CASES, Kit, directory, own_key
from harness.ctl import verify

ENTITY_ID = "https://sp.example.org/saml"
ACS = "https://sp.example.org/saml/acs"
NOW = datetime.datetime(2031, 6, 15, 12, 0, 0)
CERTIFICATE = {"sha256", "subject", "not_after", "slot", "mode"}
MEMBERS = {"verdict", "code", "message", "idp", "name_id", "attributes", "certificate", "steps"}


def judge(trust, case, serial):
    kit = Kit(ENTITY_ID, ACS, own_key(), NOW, serial, case.idp, "_request1" if case.request else None)
    return verify(trust.root, ENTITY_ID, ACS, case.message(kit), now=NOW.isoformat() + "Z",
                  in_response_to=[kit.request_id] if case.request else ())


@pytest.fixture(scope="session")
def answers(directories):
    """Name of a case -> what the command said. All are asked at once: a process for each."""
    trusts = {idp: directory(directories(), idp) for idp in {case.idp for case in CASES.values()}}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        futures = {name: pool.submit(judge, trusts[case.idp], case, number)
                   for number, (name, case) in enumerate(CASES.items())}
        return {name: future.result() for name, future in futures.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_case(answers, case):
    answer = answers[case.name]
    found = answer.json
    assert found["code"] in case.codes, f"{case.why}: {found['code']}: {found['message']}"
    assert answer.code == (0 if found["code"] == "ok" else 1) and answer.err == "", answer
    assert found["verdict"] == ("accepted" if found["code"] == "ok" else "refused")
    assert set(found) == MEMBERS
    outcomes = [s["outcome"] for s in found["steps"]]
    assert len({s["step"] for s in found["steps"]}) == len(outcomes) > 0
    if found["code"] == "ok":
        assert found["idp"] == case.idp
        assert (found["name_id"] or {}).get("value") == case.name_id
        assert found["attributes"] == case.attributes
        assert set(outcomes) <= {"passed", "skipped"}
        assert set(found["certificate"] or CERTIFICATE) == CERTIFICATE
    else:
        assert found["name_id"] is None and found["attributes"] == {}
        assert outcomes[-1] == "failed" and "failed" not in outcomes[:-1]


def test_every_refusal_has_a_twin_that_passes():
    """What is refused differs from something accepted in the one thing that it is refused for."""
    for case in CASES.values():
        if not case.is_accepted:
            assert case.twin in CASES, f"{case.name}: no case {case.twin}"
            assert CASES[case.twin].is_accepted, f"{case.name}: {case.twin} is no accepted case"


def test_partners_are_all_used():
    from corpus.partners import partners
    unused = set(partners()) - {case.idp for case in CASES.values()}
    assert not unused, unused
