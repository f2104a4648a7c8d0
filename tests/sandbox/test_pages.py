"""The pages behind the links, as a browser (or curl) meets them."""

import httpx
import pytest


def checkout(client: httpx.Client) -> str:
    url: str = client.get("/v1/user/balance/topup?user=ann").json()["url"]
    return url


def authorization(client: httpx.Client) -> str:
    url: str = client.get("/v1/user/connect?user=ann").json()["url"]
    return url


def balance(client: httpx.Client) -> str:
    shown: str = client.get("/v1/user/balance?user=ann").json()["balanceFormatted"]
    return shown


def test_checkout_needs_no_key_and_offers_amounts(client: httpx.Client) -> None:
    url = checkout(client)
    del client.headers["Authorization"]
    page = client.get(url)
    assert page.headers["content-type"].startswith("text/html")
    assert "Sandbox" in page.text
    assert 'value="10.00" checked' in page.text
    assert ">Pay<" in page.text


def test_paying_credits_the_user_once(client: httpx.Client) -> None:
    url = checkout(client)
    assert "Thank you" in client.post(url, data={"amount": "10.00"}).text
    assert "Thank you" in client.post(url, data={"amount": "10.00"}).text
    assert balance(client) == "$10.00"


def test_other_amount_goes_before_the_chosen_one(client: httpx.Client) -> None:
    client.post(checkout(client), data={"amount": "10.00", "other_amount": " 3.25 "})
    assert balance(client) == "$3.25"


def test_bad_amount_shows_the_form_again_with_a_sentence(client: httpx.Client) -> None:
    answer = client.post(checkout(client), data={"other_amount": "a lot"})
    assert answer.status_code == 400
    assert "Please enter an amount" in answer.text
    assert balance(client) == "$0.00"


def test_allowing_connects_the_user(shared: httpx.Client) -> None:
    url = authorization(shared)
    assert ">Allow<" in shared.get(url).text
    assert "Charges are allowed" in shared.post(url, data={"decision": "allow"}).text
    assert shared.get("/v1/user/connect?user=ann").json()["connected"] is True


def test_declining_leaves_the_user_unconnected_and_ends_the_link(shared: httpx.Client) -> None:
    url = authorization(shared)
    assert "Nothing was allowed" in shared.post(url, data={"decision": "decline"}).text
    assert "Nothing was allowed" in shared.post(url, data={"decision": "allow"}).text
    assert authorization(shared) != url


def test_no_decision_is_asked_again(shared: httpx.Client) -> None:
    assert shared.post(authorization(shared)).status_code == 400


def test_user_ids_are_shown_as_text_not_as_markup(client: httpx.Client) -> None:
    user = "<script>alert(1)</script>"
    url = client.get("/v1/user/balance/topup", params={"user": user}).json()["url"]
    assert "<script>" not in client.get(url).text


@pytest.mark.parametrize("path", ["/checkout/nope", "/authorize/nope"])
def test_unknown_link_is_a_page_that_says_so(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 404
    assert "not known here" in page.text


def test_a_checkout_link_is_no_authorization_link(client: httpx.Client) -> None:
    url = checkout(client).replace("/checkout/", "/authorize/")
    assert client.get(url).status_code == 404


def test_pages_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get(checkout(client)).text
    assert "src=" not in page
    assert "href=" not in page
    assert "url(" not in page
