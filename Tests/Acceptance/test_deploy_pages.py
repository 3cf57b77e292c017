"""docs/deploy: its pages name existing options and show the configurations that other tests run."""

import re

import pytest
import yaml
from support.proxies import DOCS, PROXIES
from support.pushd import run_pushd

FILES = sorted(path for path in DOCS.iterdir() if path.is_file())
PAGES = [path for path in FILES if path.suffix == ".md"]
BY_NAME = {"ids": lambda value: getattr(value, "name", None) or value.program}
OTHERS = ("aws ", "gcloud ", "kubectl ", "docker ")  # commands whose options are not pushd's


def options_in(text):
    """The options named in a page, except for those of other commands."""
    lines = [line for line in text.splitlines() if not line.strip().startswith(OTHERS) and ".py " not in line]
    spans = [span for line in lines for span in re.sub(r"`(?:docker|kubectl|aws|gcloud) [^`]*`", "", line).split()]
    return {option for span in spans for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*(?![\w-])", span)}


@pytest.fixture(scope="module")
def known_options():
    return set(re.findall(r"--[a-z][a-z-]*", run_pushd("--help").stdout))


@pytest.mark.parametrize("path", FILES, **BY_NAME)
def test_each_option_exists(path, known_options):
    assert options_in(path.read_text()) - known_options == set()


@pytest.mark.parametrize("path", PAGES, **BY_NAME)
def test_each_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("kind", PROXIES, **BY_NAME)
def test_a_page_shows_what_is_run(kind):
    page = (DOCS / kind.page).read_text()
    assert f"({kind.file})" in page
    assert "--allow-origin https://push.example.org --trusted-proxy" in page
    assert f"`{kind.below_a_path[0].strip()}`" in page and kind.below_a_path[1].strip() in page


# Kubernetes


@pytest.fixture(scope="module")
def objects():
    return {item["kind"]: item for item in yaml.safe_load_all((DOCS / "kubernetes.yaml").read_text())}


@pytest.fixture(scope="module")
def pod(objects):
    return objects["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod):
    (container,) = pod["containers"]
    return container


def seconds(container, option):
    (value,) = [word.partition("=")[2] for word in container["args"] if word.startswith(f"{option}=")]
    return int(value)


def test_objects_select_the_pods_and_their_port(objects, container):
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    path = objects["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]
    assert path["backend"]["service"]["name"] == objects["Service"]["metadata"]["name"]
    assert seconds(container, "--listen") == container["ports"][0]["containerPort"]


def test_the_grace_period_is_longer_than_a_stop(pod, container):
    stop = seconds(container, "--drain-delay") + seconds(container, "--drain")
    assert pod["terminationGracePeriodSeconds"] >= stop + 20
    probe = container["readinessProbe"]
    assert seconds(container, "--drain-delay") > probe["periodSeconds"] * probe["failureThreshold"]


def test_pushd_takes_the_arguments_and_answers_the_probes(start, container, redis_server, tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("publish-key", "api-key"):
        (keys / name).write_text("key\n")
    places = {"--listen": "127.0.0.1:0", "--redis": redis_server.url, "--drain-delay": "0"}
    words = []
    for word in container["args"]:
        option, _, value = word.partition("=")
        words += [option, places.get(option, value.replace("/etc/pushd", str(keys)))]
    pushd = start(*words).wait_for_status("ok")
    for probe in ("readinessProbe", "livenessProbe"):
        assert pushd.get(container[probe]["httpGet"]["path"]).status == 200


def test_variables_of_a_service_named_pushd_are_no_settings(start):
    """Kubernetes sets them in every pod of the namespace: they must neither prevent the start nor cause a warning."""
    pushd = start(
        PUSHD_SERVICE_HOST="10.0.0.7",
        PUSHD_SERVICE_PORT="8081",
        PUSHD_SERVICE_PORT_HTTP="8081",
        PUSHD_PORT="tcp://10.0.0.7:8081",
        PUSHD_PORT_8081_TCP="tcp://10.0.0.7:8081",
        PUSHD_PORT_8081_TCP_PROTO="tcp",
        PUSHD_PORT_8081_TCP_PORT="8081",
        PUSHD_PORT_8081_TCP_ADDR="10.0.0.7",
    )
    assert pushd.get("/health/ready").status == 200
    assert "PUSHD_" not in pushd.log()
