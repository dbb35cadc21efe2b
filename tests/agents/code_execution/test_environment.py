import pytest

from modelport.agents.code_execution.environment import clean_environment

SECRETS = {
    "OPENAI_API_KEY": "x",
    "openai_api_key": "x",
    "ANTHROPIC_API_KEY": "x",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_SESSION_TOKEN": "x",
    "AZURE_OPENAI_KEY": "x",
    "GITHUB_TOKEN": "x",
    "GH_PAT": "x",
    "HF_TOKEN": "x",
    "PGPASSWORD": "x",
    "MYSQL_PWD": "x",
    "DB_PASS": "x",
    "REDIS_PASSWD": "x",
    "GPG_PASSPHRASE": "x",
    "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json",
    "NPM_CONFIG__AUTH": "x",
    "NPM_AUTHTOKEN": "x",
    "SSH_AUTH_SOCK": "/tmp/agent",
    "SESSION_COOKIE": "x",
    "SENTRY_DSN": "x",
    "AZURE_STORAGE_SAS": "x",
    "myServiceApiKey": "x",
    "CLIENT_SECRET_JSON": "x",
    "MODELPORT_API_KEYS": "alice:x",
    "MODELPORT_MODEL_SERVER": "http://10.0.0.1:8000",
    "MODELPORT_DATABASE": "x",
}
SECRET_VALUES = {
    "DATABASE_URL": "postgresql://me:hunter2@db/production",
    "HTTPS_PROXY": "http://user:pass@proxy:3128",
    "REDIS": "redis://:hunter2@cache:6379",
    "OAI_CONFIG_LIST": '[{"model": "gpt-4", "api_key": "x"}]',
    "LLM": "sk-proj-abcdef",
    "DEPLOY": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
    "GITHUB": "ghp_0123456789",
    "CLOUD": "AKIAIOSFODNN7EXAMPLE",
    "SESSION": "eyJhbGciOiJI.eyJzdWIiOiIx.sig",
}
HARMLESS = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/me",
    "PWD": "/work",
    "OLDPWD": "/",
    "LANG": "C.UTF-8",
    "TOKENIZERS_PARALLELISM": "false",
    "GIT_AUTHOR_NAME": "Me",
    "KEYBOARD_LAYOUT": "de",
    "COLORTERM": "truecolor",
    "PYTHONPATH": "/src",
    "VIRTUAL_ENV": "/venv",
    "OAI_CONFIG_LIST": "OAI_CONFIG_LIST.json",
    "http_proxy": "http://127.0.0.1:9",
    "HOMEPAGE": "https://example.org/a@b",
    "COMPASS": "north",
    "LD_LIBRARY_PATH": "/lib",
    "CUDA_VISIBLE_DEVICES": "0",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_variable_whose_name_speaks_of_a_secret_is_kept_back(name: str) -> None:
    assert clean_environment({name: SECRETS[name]}) == {}


@pytest.mark.parametrize("name", SECRET_VALUES)
def test_a_variable_whose_value_is_a_secret_is_kept_back(name: str) -> None:
    assert clean_environment({name: SECRET_VALUES[name]}) == {}


def test_what_programs_need_passes() -> None:
    assert clean_environment(HARMLESS) == HARMLESS


def test_a_secret_that_is_named_passes() -> None:
    environ = {"HF_TOKEN": "x", "WANDB_API_KEY": "y", "OPENAI_API_KEY": "z"}

    assert clean_environment(environ, allow=["HF_TOKEN", "WANDB_*"]) == {"HF_TOKEN": "x", "WANDB_API_KEY": "y"}


def test_secrets_that_the_environment_names_pass_and_the_list_itself_does_not() -> None:
    environ = {"HF_TOKEN": "x", "OTHER_TOKEN": "y", "MODELPORT_ALLOW_ENV": " HF_TOKEN , "}

    assert clean_environment(environ) == {"HF_TOKEN": "x"}


def test_names_given_as_one_text_are_refused() -> None:
    with pytest.raises(TypeError, match="allow_env must be a list of names, got the text 'HF_TOKEN'"):
        clean_environment({}, allow="HF_TOKEN")


def test_without_a_mapping_it_is_this_process_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "x")
    monkeypatch.setenv("A_WORD", "y")

    clean = clean_environment()

    assert "A_TOKEN" not in clean
    assert clean["A_WORD"] == "y"
