"""Listed prices."""

import subprocess
import sys

from modelport.storage.prices import listed_price


def test_a_known_models_price_is_for_a_thousand_tokens() -> None:
    price = listed_price("gpt-4o-mini")

    assert price is not None
    prompt, completion = price
    assert 0 < prompt < completion < 1


def test_an_unknown_models_price_is_unknown() -> None:
    assert listed_price("gpt-of-my-own") is None
    assert listed_price("mine") is None


def test_ones_own_model_does_not_load_the_table() -> None:
    code = "import sys, modelport.storage.prices as p; p.listed_price('mine'); print('genai_prices' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
