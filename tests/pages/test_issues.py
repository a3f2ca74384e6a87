"""What leads from a page to the repository: forms with the place filled in, and nothing where there is none."""

from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from hostile import make_site_project
from playwright.sync_api import expect

from mundap.pages import issues
from mundap.site import build

REPOSITORY = "someone/some.where"


def fields(address):
    return {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}


def test_a_form_is_filled_in():
    address = issues.new_issue(REPOSITORY, "wrong", statement="1 & 2 = # ?")
    assert address.startswith(f"https://github.com/{REPOSITORY}/issues/new?template=wrong.yml&")
    assert fields(address)["statement"] == "1 & 2 = # ?"


def test_a_doubt_is_no_longer_than_an_address_may_be():
    link = BeautifulSoup(issues.doubt(REPOSITORY, "틀렸나요?", "qa/a/b.md", "x", "**글** & " * 400), "html.parser").a
    told = fields(link["href"])
    assert told["where"] == "qa/a/b/#x" and told["statement"].startswith("글 & 글") and len(told["statement"]) <= 300


def test_an_address_of_a_file():
    assert issues.edit(REPOSITORY, "docs/한 글.md").endswith("/edit/main/docs/%ED%95%9C%20%EA%B8%80.md")


def test_forms_have_the_fields_that_links_fill_in(root):
    for form, filled in {"question": {"title"}, "wrong": {"title", "where", "statement"}}.items():
        text = (root / f".github/ISSUE_TEMPLATE/{form}.yml").read_text(encoding="utf-8")
        assert filled - {"title"} <= {item["id"] for item in yaml.safe_load(text)["body"]}


@pytest.fixture(scope="module", params=["", REPOSITORY])
def small(request, root, tmp_path_factory):
    """(repository, the small project's site that knows it)."""
    project = make_site_project(tmp_path_factory.mktemp("small") / "project", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPOSITORY", request.param)
        build.run_mkdocs(project, project / "out")
    return request.param, project / "out"


def test_pages_lead_to_the_repository_where_there_is_one(small):
    repository, out = small
    text = (out / "qa/basics/first/index.html").read_text(encoding="utf-8")
    links = {a.text.strip(): a["href"] for a in BeautifulSoup(text, "html.parser").select("a[href*='github.com']")}
    if not repository:
        assert links == {} and "search__ask" not in text
        return
    assert links["이 글 고치기"] == f"https://github.com/{REPOSITORY}/edit/main/docs/qa/basics/first.yaml"
    assert fields(links["질문하기"]) == {"template": "question.yml"}
    assert {"이 답이 틀렸나요?", "이 주장이 틀렸나요?"} <= links.keys()
    told = fields(links["이 주장이 틀렸나요?"])
    where, _, anchor = told["where"].partition("#")
    page = BeautifulSoup((out / where / "index.html").read_text(encoding="utf-8"), "html.parser")
    claim = page.find(id=anchor)
    assert told["statement"] in claim.select_one(".claim-text").text
    record = (out / "notebooks/measure/index.html").read_text(encoding="utf-8")
    assert f"https://github.com/{REPOSITORY}/edit/main/snippets/measure.py" in record
    tags = BeautifulSoup((out / "tags/index.html").read_text(encoding="utf-8"), "html.parser")
    assert [a.text for a in tags.select(".ask a")] == ["질문하기"], "made of all threads: there is no file to edit"


def test_a_search_without_result_offers_to_ask(small, host, page):
    repository, out = small
    page.goto(host(out))
    page.keyboard.press("/")
    page.get_by_role("combobox").fill("zzqx")
    expect(page.locator(".search__status")).to_contain_text("맞는 것이 없어요")
    offer = page.locator(".search__ask a")
    if not repository:
        assert offer.count() == 0
        return
    expect(offer).to_be_visible()
    assert fields(offer.get_attribute("href")) == {"template": "question.yml", "title": "zzqx"}
    page.get_by_role("combobox").fill("값")
    expect(page.get_by_role("option").first).to_be_visible()
    assert offer.is_hidden() and not page.heard.errors
