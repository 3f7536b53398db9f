"""What people do: find a wrong verdict, watch a job, judge by hand, lose the server."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard.conftest import Opener
from tests.e2e.dashboard.world import HOSTILE, Service, World, write_answers

pytestmark = pytest.mark.browser


def test_three_clicks_from_the_front_page_to_the_reason_of_a_wrong_verdict(
    world: World, opened: Opener
) -> None:
    page = opened().page
    page.goto(world.url)
    page.get_by_role("region", name="Latest results").get_by_role(
        "link", name="grpo-seed0 @100", exact=True
    ).click()
    page.get_by_role("region", name="Problems").get_by_role("link", name="smoke-004").click()
    page.get_by_role("link", name="first wrong sample").click()
    sample = page.locator("details.sample[open]")
    expect(sample.locator(".verdict")).to_contain_text("✕ wrong")
    expect(sample.locator(".verdict")).to_contain_text("why")
    expect(sample.locator(".response mark")).to_be_visible()
    assert "#sample-" in page.url


def test_every_hostile_string_is_shown_as_text(world: World, opened: Opener) -> None:
    page = opened().page
    for form in ("rendered", "raw"):
        page.goto(f"{world.url}/evaluations/{world.evaluation('grpo-seed0')}/rows/1?as={form}")
        shown = "\n".join(page.locator(".response").all_text_contents())
        assert "<script>document.title='owned'</script>" in shown
        assert "<svg onload=alert(1)>" in shown
        assert "</script></body></html>" in shown
        assert "owned" not in page.title()
        assert (
            page.locator(".response script, .response img, .response svg, .response a").count() == 0
        )
        assert page.locator(".response [href], .response [style]").count() == 0
        assert page.locator(".response .unseen", has_text="RLO").count() >= 1
        assert page.locator(".left-out").count() == 1
        assert len(page.content()) < 1_000_000


def test_the_whole_of_a_long_response_is_plain_text(world: World) -> None:
    evaluation = world.evaluation("grpo-seed0")
    answer = world.client.get(f"/evaluations/{evaluation}/rows/1/samples/5/response.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text.startswith(HOSTILE[5][:100])
    assert len(answer.text) > 1_000_000


def test_the_progress_of_a_job_moves_without_a_reload(world: World, opened: Opener) -> None:
    answers = write_answers(world.service.folder / "slow.jsonl", 0.5)
    job = world.submit(
        "slow",
        "GRPO",
        answers,
        benchmarks=["smoke"],
        engine_options={"seconds_per_sample": 0.15, "concurrency": 32},
    )
    page = opened().page
    page.goto(f"{world.url}/jobs/{job}")
    page.evaluate("window.untouched = true")
    samples = page.locator("[data-region=progress] dd").first
    expect(samples).not_to_have_text(re.compile(r"^0of"), timeout=30_000)
    expect(page.locator("[data-region=head] .tag")).to_contain_text("done", timeout=40_000)
    assert page.evaluate("window.untouched") is True


def test_a_person_overrides_a_verdict_with_a_reason(world: World, opened: Opener) -> None:
    page = opened().page
    evaluation = world.evaluation("agrae-seed1")
    page.goto(f"{world.url}/evaluations/{evaluation}/rows/4?show=wrong")
    sample = page.locator("details.sample[open]")
    sample.get_by_text("Judge it by hand").click()
    sample.get_by_label("Because").fill("<b>the gold</b> is mistaken")
    sample.get_by_role("button", name="Keep this verdict").click()
    kept = page.locator("details.sample[open]")
    expect(kept).to_contain_text("by hand: correct")
    expect(kept).to_contain_text("<b>the gold</b> is mistaken")


def test_a_rescore_is_accepted_on_its_page(world: World, opened: Opener) -> None:
    started = world.client.post(f"/v1/evaluations/{world.evaluation('agrae-seed1')}/rescore")
    page = opened().page
    page.goto(f"{world.url}/rescores/{started.json()['id']}")
    page.get_by_role("button", name="Accept these verdicts").click(timeout=30_000)
    expect(page.locator(".page-head .tag")).to_contain_text("accepted")
    expect(page.get_by_role("button", name="Accept these verdicts")).to_have_count(0)


def test_a_picture_is_shown_and_a_lost_one_is_announced(world: World, opened: Opener) -> None:
    page = opened().page
    problems = f"{world.url}/evaluations/{world.evaluation('pictures', 0)}/problems"
    page.goto(f"{problems}/0")
    picture = page.get_by_role("img", name="Picture 1 of this problem")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 120
    page.goto(f"{problems}/8")
    expect(page.locator(".notice")).to_contain_text("cannot be shown")


def test_what_a_reader_opened_stays_open_when_the_page_renews_itself(
    world: World, opened: Opener
) -> None:
    page = opened().page
    page.goto(f"{world.url}/jobs/{world.jobs['grpo-seed0@100']}")
    events = page.locator("[data-region=timeline] details")
    events.evaluate("details => { details.open = true; details.dataset.old = 'yes'; }")
    page.evaluate("document.querySelector('[data-region=timeline]').append('x')")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("[data-region=timeline] details:not([data-old])")).to_have_count(1)
    assert events.evaluate("details => details.open") is True


def test_a_form_from_another_site_is_refused(world: World) -> None:
    evaluation = world.evaluation("agrae-seed1")
    path = f"/evaluations/{evaluation}/rows/4/samples/0/override"
    form = {"correct": "yes", "why": "because"}
    foreign = {"Origin": "https://elsewhere.example"}
    assert world.client.post(path, data=form, headers=foreign).status_code == 403
    assert world.client.post(path, data=form).status_code == 403
    assert (
        world.client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )


def test_the_matrix_filters_and_leads_to_samples(world: World, opened: Opener) -> None:
    page = opened().page
    query = "benchmark=smoke&checkpoint=grpo-seed0@100&checkpoint=agrae-seed1@100"
    page.goto(f"{world.url}/matrix?{query}&sort=-difference")
    assert page.locator("table.matrix tbody tr").count() > 10
    page.get_by_role("link", name=re.compile("solved only by B")).click()
    for row in page.locator("table.matrix tbody tr").all():
        assert row.locator("td").first.inner_text().startswith("0/")
    page.goto(f"{world.url}/matrix?{query}")
    page.locator("table.matrix td a").first.click()
    expect(page.get_by_role("heading", name="Samples")).to_be_visible()


def test_badges_and_published_rows_stand_apart(world: World, opened: Opener) -> None:
    page = opened().page
    page.goto(f"{world.url}/leaderboard")
    page.get_by_label("Baseline").select_option("grpo-seed0@100")
    page.wait_for_url(re.compile("baseline=grpo-seed0"))
    row = page.locator("tr", has_text="agrae-seed1")
    expect(row).to_contain_text("better")
    latex = httpx.get(page.url.replace("/leaderboard?", "/leaderboard.tex?")).text
    assert r"\begin{tabular}" in latex
    assert r"\mathbf" in latex


def test_the_interval_kind_is_part_of_the_address(world: World, opened: Opener) -> None:
    page = opened().page
    page.goto(f"{world.url}/compare?baseline=grpo-seed0@100&candidate=agrae-seed0@100")
    expect(page.locator(".sentence")).to_contain_text("pass@1")
    page.get_by_role("link", name="other samples").click()
    assert "interval=fixed" in page.url
    expect(page.locator("#difference-plot .main-svg").first).to_be_visible()
    page.get_by_role("link", name="swap").click()
    expect(page.locator("h1")).to_contain_text("grpo-seed0@100 against agrae-seed0@100")


def test_keys_move_between_problems_and_samples(world: World, opened: Opener) -> None:
    page = opened().page
    evaluation = world.evaluation("grpo-seed0")
    page.goto(f"{world.url}/evaluations/{evaluation}/rows/4")
    page.keyboard.press("n")
    page.wait_for_url(f"**/evaluations/{evaluation}/rows/5")
    page.keyboard.press("r")
    page.wait_for_url("**as=raw")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_the_theme_is_kept(world: World, opened: Opener) -> None:
    page = opened().page
    page.goto(world.url)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    page.locator("#theme").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(f"{world.url}/workers")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark != light


def test_a_page_past_the_end_is_the_last_one(world: World) -> None:
    evaluation = world.evaluation("grpo-seed0")
    answer = world.client.get(f"/evaluations/{evaluation}.json?page=99999")
    assert answer.status_code == 200
    assert answer.json()["problems"]


@pytest.mark.parametrize(
    "path",
    [
        "/evaluations/none",
        "/evaluations/none/rows/0",
        "/runs/none",
        "/jobs/none",
        "/rescores/none",
        "/benchmarks?name=none",
        "/compare?baseline=none&candidate=grpo-seed0",
        "/evaluations/{evaluation}/problems/none",
        "/evaluations/{evaluation}/rows/0/samples/99999999999/response.txt",
    ],
)
def test_what_does_not_exist_says_what_to_do(world: World, path: str) -> None:
    answer = world.client.get(path.format(evaluation=world.evaluation("grpo-seed0")))
    assert answer.status_code == 404
    assert "What to do" in answer.text or 'class="remedy"' in answer.text


def test_a_stopped_server_is_announced_and_comes_back_by_itself(
    tmp_path: Path, opened: Opener
) -> None:
    service = Service(tmp_path)
    service.start()
    try:
        # One page that is alive and one that is not: both must notice.
        pages = [opened(silent=False).page for _ in range(2)]
        for page, path in zip(pages, ("/", "/leaderboard"), strict=True):
            page.goto(service.url + path)
            expect(page.locator("h1")).to_be_visible()
            page.evaluate("window.untouched = true")
        service.stop()
        for page in pages:
            expect(page.locator("#server-gone")).to_be_visible(timeout=20_000)
        service.start()
        for page in pages:
            expect(page.locator("#server-gone")).to_be_hidden(timeout=20_000)
            assert page.evaluate("window.untouched") is True
    finally:
        service.stop()
