"""load(): by file, by module, by name, by object; and what is said where it fails."""

import json
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from modelport.config import available_models, load
from modelport.errors import ConfigError, LoadError, ModelNotFound, NotAModel
from modelport.model import Model, generate
from modelport.registry import Registry
from modelport.sync import run
from modelport.types import ChatRequest, Message
from tests.config.conftest import CLIENT, FUNCTION, STUDIO, Write

ASK = ChatRequest(messages=(Message(role="user", content="hello"),))


def answer(model: Model) -> str:
    return run(generate(model, ASK), suspends=False).text


# --- by file ---


def test_a_function_of_a_file_is_a_model(write: Write) -> None:
    write("deep/er/mine.py", FUNCTION)

    assert answer(load("deep/er/mine.py:reply")) == "heard hello"


def test_the_name_may_be_left_out_where_the_file_has_one_model(write: Write) -> None:
    write("one.py", STUDIO + "\n    def helper(): pass\n")

    assert load("one.py").name == "studio"


def test_the_only_function_of_a_file_is_its_model(write: Write) -> None:
    write(
        "one.py", "from os.path import join\n_helper = lambda: 1\n" + re.sub("^    ", "", FUNCTION, flags=re.MULTILINE)
    )

    assert answer(load("one.py")) == "heard hello"


@pytest.mark.parametrize("method", ["stream", "generate_batch", "embed"])
def test_a_class_of_any_native_shape_is_the_model_of_its_file(write: Write, method: str) -> None:
    write("one.py", f"class Mine:\n    name = 'mine'\n    def {method}(self, given): return []\n\ndef helper(): pass\n")

    assert load("one.py").name == "mine"


def test_a_file_of_several_models_asks_which(write: Write) -> None:
    write("two.py", STUDIO + CLIENT)

    with pytest.raises(ModelNotFound, match=r"two\.py has 2 models: say which, as two\.py:NAME \(Studio, CustomModel"):
        load("two.py")


def test_a_model_of_a_file_is_also_found_by_its_own_name(write: Write) -> None:
    write("two.py", STUDIO + CLIENT)

    assert load("two.py:studio").name == "studio"


def test_a_path_object_is_a_spec(write: Write) -> None:
    assert load(write("one.py", STUDIO)).name == "studio"


def test_an_instance_and_a_nested_class_are_found(write: Write) -> None:
    write("one.py", STUDIO + "\n        class Inner:\n            pass\n\n    made = Studio(device='tpu')\n")

    assert answer(load("one.py:made")) == "on tpu"


def test_a_missing_file_is_told_with_its_neighbours(write: Write, here: Path) -> None:
    write("models.py")

    with pytest.raises(ModelNotFound) as caught:
        load("modles.py:Mine")

    assert caught.value.message == f"no file modles.py; did you mean 'models.py'? (looked in {here})"


def test_a_missing_folder_is_told(here: Path) -> None:
    with pytest.raises(ModelNotFound, match=f"no file no/such/x.py: there is no folder {here}/no/such"):
        load("no/such/x.py:Mine")


def test_a_missing_name_in_a_file_is_told_with_what_is_there(write: Write) -> None:
    write("one.py", STUDIO)

    with pytest.raises(ModelNotFound) as caught:
        load("one.py:Studoi")

    assert caught.value.message == "one.py has no 'Studoi'; did you mean 'Studio'? (it has: Studio)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\nimport torhc\n", r"bad\.py:2: ModuleNotFoundError: No module named 'torhc' \(install torhc, or put"),
        ("def f(:\n", r"bad\.py:1: SyntaxError: invalid syntax"),
        ("\n\nraise ValueError('no weights')\n", r"bad\.py:3: ValueError: no weights"),
        ("import json\njson.loads('{')\n", r"bad\.py:2: JSONDecodeError: Expecting property name"),
        ("import sys\nsys.exit(3)\n", r"bad\.py:2: SystemExit: 3 \(it ends the program .* __name__ == '__main__'"),
        ("from .... import x\n", r"bad\.py:1: ImportError: .*\(name it as package\.module:Name instead"),
    ],
)
def test_a_file_that_does_not_import_is_told_with_the_users_own_line(write: Write, text: str, told: str) -> None:
    write("bad.py", text)

    with pytest.raises(LoadError, match=r"^bad\.py failed to import: " + told) as caught:
        load("bad.py:Mine")

    assert caught.value.__cause__ is not None


def test_a_files_error_is_told_where_it_is_and_not_where_it_was_called_from(write: Write) -> None:
    write("helper.py", "def work():\n    return 1 / 0\n")
    write("bad.py", "import helper\nhelper.work()\n")

    with pytest.raises(LoadError, match=r"helper\.py:2: ZeroDivisionError"):
        load("bad.py:Mine")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x = 'a\x00b'\n", b"# coding: nonsense\n"])
def test_bytes_that_are_no_python_are_an_error_that_names_the_file(write: Write, data: bytes) -> None:
    write("bad.py").write_bytes(data)

    with pytest.raises(LoadError, match=r"bad\.py failed to import"):
        load("bad.py")


def test_a_changed_file_is_imported_anew(write: Write) -> None:
    write("one.py", "def reply(messages): return 'old'")
    before = load("one.py")
    write("one.py", "def reply(messages): return 'newer'")

    assert (answer(before), answer(load("one.py"))) == ("old", "newer")


def test_an_unchanged_file_is_imported_once(write: Write) -> None:
    write(
        "one.py",
        "from pathlib import Path\nPath('count').write_text(str(Path('count').exists()))\ndef reply(messages): ...",
    )

    load("one.py")
    load("./one.py:reply")

    assert Path("count").read_text() == "False"


def test_a_windows_path_is_a_path_and_not_a_name_with_an_argument(here: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no file C:\\models\\mine\.py"):
        load("C:\\models\\mine.py:Mine")


def test_what_is_no_model_is_refused_by_the_door(write: Write) -> None:
    write("one.py", "class Thing: pass")

    with pytest.raises(NotAModel, match="Thing is not a model"):
        load("one.py:Thing")


def test_a_file_without_models_says_so(write: Write) -> None:
    write("one.py", "x = 1")

    with pytest.raises(ModelNotFound, match=r"one\.py has no model: expected a class"):
        load("one.py")


# --- by module ---


def test_a_module_of_the_working_directory_is_found(write: Write) -> None:
    write("pack_a/__init__.py")
    write("pack_a/inner.py", FUNCTION)

    assert answer(load("pack_a.inner:reply")) == "heard hello"


def test_no_such_module_and_a_module_that_fails_are_told_apart(write: Write) -> None:
    write("pack_b/__init__.py")
    write("pack_b/inner.py", "x = 1\nimport torhc")

    with pytest.raises(ModelNotFound, match=r"no module pack_b\.outer can be imported"):
        load("pack_b.outer:Mine")
    with pytest.raises(LoadError, match=r"pack_b\.inner failed to import: pack_b/inner\.py:2: ModuleNotFoundError"):
        load("pack_b.inner:Mine")


def test_a_package_that_fails_is_told_with_its_line(write: Write) -> None:
    write("pack_c/__init__.py", "\nimport torhc")

    with pytest.raises(LoadError, match=r"torhc"):
        load("pack_c.inner:Mine")


def test_a_missing_name_in_a_module_is_told_with_what_is_near(write: Write) -> None:
    write("pack_d.py", FUNCTION)

    with pytest.raises(ModelNotFound, match="pack_d has no 'rely'; did you mean 'reply'"):
        load("pack_d:rely")


# --- by object ---


def test_an_object_is_its_own_spec() -> None:
    assert answer(load(lambda messages, **params: "mine")) == "mine"


# --- options ---


def test_options_reach_a_constructor_as_keywords(write: Write) -> None:
    write("one.py", STUDIO)

    assert answer(load("one.py", device="cuda")) == "on cuda"


def test_options_reach_a_model_client_as_one_dict(write: Write) -> None:
    write("one.py", CLIENT)

    assert "'device', 'params'" in answer(load("one.py", device="cuda", params={"max_length": 1}))


def test_an_option_that_no_constructor_takes_is_named(write: Write) -> None:
    write("one.py", STUDIO + FUNCTION)

    with pytest.raises(LoadError, match=r"one\.py:Studio takes no option 'devcie'; did you mean 'device'\?"):
        load("one.py:Studio", devcie="cuda")
    with pytest.raises(LoadError, match=r"one\.py:reply is a function and takes no options, got device"):
        load("one.py:reply", device="cuda")
    with pytest.raises(LoadError, match=r"is made already and takes no options"):
        load(load("one.py:Studio"), device="cuda")


def test_an_option_that_a_constructor_needs_is_named(write: Write) -> None:
    write("one.py", STUDIO.replace('device="cpu"', "device"))

    with pytest.raises(LoadError, match=r"one\.py:Studio needs device: give it as options"):
        load("one.py")


def test_a_constructor_that_fails_is_told_with_its_line(write: Write) -> None:
    write("one.py", STUDIO.replace("self.device = device", "raise RuntimeError('no weights here')"))

    with pytest.raises(LoadError, match=r"one\.py:Studio could not be made: one\.py:6: RuntimeError: no weights here"):
        load("one.py")


def test_a_model_client_that_takes_no_config_is_told(write: Write) -> None:
    write("one.py", CLIENT.replace("self, config, **kwargs", "self").replace("self.config = config", "pass"))

    with pytest.raises(LoadError, match=r"constructor must take the config entry, as in __init__\(self, config"):
        load("one.py")


# --- by name ---


def test_a_shipped_runtime_is_found_by_its_name(here: Path) -> None:
    assert load("eliza").name == "eliza"


def test_a_runtimes_option_that_it_does_not_take_is_named(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"nonsense"):
        load("eliza", nonsense=1)


def test_the_models_directory_comes_before_what_is_shipped(write: Write) -> None:
    write("models/mine.py", STUDIO.replace('"studio"', '"eliza"'))

    assert answer(load("eliza")) == "on cpu"


def test_a_name_that_is_not_there_says_where_it_was_looked_for_and_what_is_near(write: Write) -> None:
    write("models/mine.py", STUDIO)
    write("models/broken.py", "import torhc")

    with pytest.raises(ModelNotFound) as caught:
        load("stduio")

    text = caught.value.message
    assert text.startswith("no model named 'stduio'; did you mean 'studio'? (looked in the models directory models,")
    assert "eliza" in text
    assert "not imported: models/broken.py failed to import: models/broken.py:1: ModuleNotFoundError" in text


def test_without_a_models_directory_the_error_says_so(here: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no models directory \(there is no ./models\)"):
        load("nope")


def test_a_models_directory_that_was_asked_for_must_be_there(here: Path) -> None:
    with pytest.raises(
        ConfigError, match="models_dir is 'nowhere' \\(given in code\\), and there is no such directory"
    ):
        load("mine", models_dir="nowhere")


def test_a_name_of_the_models_directory_takes_no_argument(write: Write) -> None:
    write("models/mine.py", STUDIO)

    with pytest.raises(ConfigError, match=r"'studio' .* takes no argument after the colon"):
        load("studio:large")


@pytest.mark.parametrize("spec", ["", "  ", "a\0b"])
def test_a_spec_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="spec must name one"):
        load(spec)


@pytest.mark.parametrize("spec", ["./models", "/etc/passwd", "../x", "~/x", "a:b:c", ":", "x:", "..:x", "é:ü", "a b"])
def test_odd_specs_are_not_found_and_nothing_worse(here: Path, spec: str) -> None:
    with pytest.raises((ModelNotFound, ConfigError)):
        load(spec)


# --- plugins ---


def test_an_installed_package_adds_models_and_runtimes(here: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "plug-1.0.dist-info").mkdir(parents=True)
    (site / "plug-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (site / "plug-1.0.dist-info" / "entry_points.txt").write_text(
        "[modelport.models]\nparrot = plug:reply\n[modelport.runtimes]\nwheel = plug_runtime\n"
    )
    (site / "plug.py").write_text("def reply(messages): return 'polly'")
    (site / "plug_runtime.py").write_text(
        "def load(argument, *, speed=1):\n    return lambda messages, **params: f'{argument} at {speed}'\n"
    )
    script = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import json, modelport\n"
        "from modelport.sync import run\n"
        "from modelport.config import available_models\n"
        "ask = modelport.ChatRequest(messages=[modelport.Message(role='user', content='hello')])\n"
        "say = lambda *a, **k: run(modelport.generate(modelport.load(*a, **k), ask), suspends=False).text\n"
        "print(json.dumps([say('parrot'), say('wheel:turn', speed=3), [f.where for f in available_models()]]))\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    parrot, wheel, places = json.loads(done.stdout)
    assert (parrot, wheel) == ("polly", "turn at 3")
    assert {"plug (plug:reply)", "plug (plug_runtime)"} <= set(places)


# --- listing ---


def test_everything_that_can_be_found_is_listed_with_its_place(write: Write) -> None:
    write("models/mine.py", STUDIO)
    write("models/broken.py", "import torhc")

    found = {each.name: each for each in available_models()}

    assert (found["studio"].kind, found["studio"].where) == ("agentstudio", "models/mine.py:Studio")
    assert found["broken.py"].error is not None
    assert found["eliza"].kind == "runtime"


def test_every_place_that_is_listed_leads_back_to_its_model(write: Write) -> None:
    write("models/mine.py", STUDIO + CLIENT)

    for each in available_models():
        if each.where.startswith("models/"):
            assert load(each.where).name in {each.name, each.where}


def test_importing_the_config_loads_nothing_heavy() -> None:
    script = (
        "import sys\nimport modelport.config\n"
        "heavy = {'importlib.metadata', 'difflib', 'tomllib', 'dotenv', 'asyncio', 'logging', 'urllib.request'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"


def test_loading_a_file_or_a_shipped_model_asks_no_package_metadata(write: Write) -> None:
    write("one.py", FUNCTION)
    script = "import sys, modelport\nmodelport.load('one.py')\nprint('importlib.metadata' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "False"


def test_two_installed_packages_with_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("twin", "one:load", "modelport.runtimes"),
        EntryPoint("twin", "two:load", "modelport.runtimes"),
    ]
    monkeypatch.setattr("modelport.registry._anyone_offers", lambda group: True)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)

    with pytest.raises(ConfigError, match=r"two installed packages offer .* 'twin': .*one:load.* and .*two:load"):
        Registry("runtimes", None, "load").load("twin")


# --- extensions that go wrong ---


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: one, called plug, whose files each test writes."""
    folder = tmp_path / "site"
    info = folder / "plug-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[modelport.models]\nbird = plug_m:reply\n[modelport.runtimes]\nwheel = plug_r\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def load(argument): return 5", r"wheel: load\(\) must return a model: int object is not a model"),
        ("def load(argument): return 1 / 0", r"wheel could not be loaded: .*plug_r\.py:1: ZeroDivisionError"),
        ("def load(): ...", "wheel: too many positional arguments"),
        ("def load(argument, *, size): ...", "wheel: missing a required (keyword-only )?argument: 'size'"),
        ("x = 1", r"runtimes 'wheel' has no load in plug \(plug_r\); it must define one"),
        (
            "import torhc",
            r"runtimes plugin 'wheel' of plug \(plug_r\) failed to import: ModuleNotFoundError: No module",
        ),
    ],
)
def test_a_runtime_that_goes_wrong_is_told_by_its_name(here: Path, site: Path, text: str, told: str) -> None:
    (site / "plug_r.py").write_text(text)

    with pytest.raises(LoadError, match=told):
        load("wheel:x")


def test_a_model_of_an_installed_package_takes_no_argument(here: Path, site: Path) -> None:
    (site / "plug_m.py").write_text("def reply(messages): return 'tweet'")

    assert answer(load("bird")) == "tweet"
    with pytest.raises(ConfigError, match="'bird' takes no argument after the colon, got 'loud'"):
        load("bird:loud")


def test_the_names_of_installed_packages_are_suggested_too(here: Path, site: Path) -> None:
    with pytest.raises(ModelNotFound, match="did you mean 'wheel'"):
        load("weel")


@pytest.mark.parametrize("error", ["1 / 0", "raise ImportError('half')", "raise SystemExit(2)", "raise ValueError"])
def test_a_package_that_fails_in_any_way_is_told(write: Write, error: str) -> None:
    write("pack_e/__init__.py", error)
    write("pack_e/inner.py", FUNCTION)

    with pytest.raises(LoadError, match=r"pack_e.* failed to import: pack_e/__init__\.py:1: "):
        load("pack_e.inner:reply")


def test_a_module_named_like_a_package_of_nothing_is_not_found(write: Write) -> None:
    write("flat_module.py", FUNCTION)

    with pytest.raises(ModelNotFound, match=r"no module flat_module\.inner can be imported"):
        load("flat_module.inner:reply")


def test_a_module_with_one_model_needs_no_name(write: Write) -> None:
    write("pack_f/__init__.py")
    write("pack_f/inner.py", STUDIO)

    assert load("pack_f.inner").name == "studio"
