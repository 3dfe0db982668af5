"""What is refused: a person reads it in words, with what to do; a program gets problem+json as before."""

import json

import pytest

from tests.edge_api.conftest import Client

PERSON = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MISSING = "/asset/42/18562/waste/<script>alert(1)</script>"


def test_a_person_reads_what_is_not_there_in_vietnamese_and_nothing_of_the_address_runs(
    client: Client,
) -> None:
    answer = client.get(MISSING, headers=PERSON)
    told = answer.data.decode()
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Không có mục này ở đây." in told
    assert "<script>alert" not in told
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/?show=neither", 400), ("/?q=" + "x" * 500, 400)]
)
def test_each_refusal_of_a_view_is_a_page_in_the_language_asked_for(
    client: Client, path: str, status: int
) -> None:
    answer = client.get(path, headers=PERSON | {"Cookie": "lang=en"})
    assert answer.status == status
    assert b'<html lang="en">' in answer.data


@pytest.mark.parametrize("path", ["/v1/assets/nobody", "/v1/readings", "/asset/42/18562/waste/nobody"])
def test_a_program_gets_problem_json(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.data)["status"] == answer.status


def test_the_paths_of_programs_answer_json_to_a_browser_too(client: Client) -> None:
    answer = client.get("/v1/readings", headers=PERSON)
    assert answer.headers["Content-Type"] == "application/problem+json"
