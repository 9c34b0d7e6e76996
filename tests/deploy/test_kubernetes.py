"""The base and every overlay: valid by Kubernetes' own schemas, confined, and true to the code."""

import json
import re
from ipaddress import ip_address, ip_network

import jsonschema
import kubernetes_validate
import pytest
import yaml
from clipmill.contracts import stages
from clipmill.messaging import topology
from clipmill.operations.settings import CommonSettings, load_settings, unknown_variables

pytestmark = pytest.mark.slow

SERVICES = ("gateway", *stages.SERVICES)
CUSTOM = ("ScaledObject", "PodMonitor", "PrometheusRule")
STAGES = {
    service: {str(stage) for stage in stages.Stage if stage.row.service == service} for service in stages.SERVICES
}
UNITS = {"Mi": 2**20, "Gi": 2**30}


def _of(objects, kind):
    return {found["metadata"]["name"]: found for found in objects if found["kind"] == kind}


def _template(found):
    return found["spec"]["template"]


def _workloads(objects):
    return [found for kind in ("Deployment", "StatefulSet", "Job") for found in _of(objects, kind).values()]


def _container(found):
    [container] = _template(found)["spec"]["containers"]
    return container


def _environment(container, objects) -> dict[str, str]:
    """Return a container's environment, with a stand-in for each secret."""
    values = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            values |= _of(objects, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return values | {one["name"]: one.get("value", "stand-in") for one in container.get("env", ())}


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def _selects(selector, labels) -> bool:
    expressions = selector.get("matchExpressions", ())
    assert all(expression["operator"] == "In" for expression in expressions)
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


def test_every_object_is_valid(objects, repository):
    for found in objects:
        if found["kind"] in CUSTOM:
            schema = json.loads((repository / f"tests/deploy/schemas/{found['kind']}.json").read_text())
            jsonschema.validate(found, schema)
        else:
            kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


def test_everything_is_in_the_namespace_of_clipmill(objects):
    for found in objects:
        if found["kind"] == "Namespace":
            assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        else:
            assert found["metadata"]["namespace"] == "clipmill", found["metadata"]["name"]


def test_every_stage_has_a_deployment_that_scales_alone(objects):
    deployments = _of(objects, "Deployment")
    assert set(deployments) == set(SERVICES)
    for name, deployment in deployments.items():
        assert "replicas" not in deployment["spec"], "an apply would undo what an autoscaler decided"
        others = [_template(other)["metadata"]["labels"] for key, other in deployments.items() if key != name]
        assert not any(_selects(deployment["spec"]["selector"], labels) for labels in others)


def test_every_pod_is_confined(objects):
    for found in _workloads(objects):
        pod, container = _template(found)["spec"], _container(found)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 1000
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "clipmill"
        assert pod["enableServiceLinks"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory", "ephemeral-storage"} <= set(container["resources"]["requests"])
        assert {"memory", "ephemeral-storage"} <= set(container["resources"]["limits"])
        assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", container["image"])
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            *(volume["name"] for volume in pod["volumes"]),
            *(claim["metadata"]["name"] for claim in found["spec"].get("volumeClaimTemplates", ())),
        }


def test_services_run_as_the_user_of_their_image(objects, recipes):
    for name, deployment in _of(objects, "Deployment").items():
        context = _template(deployment)["spec"]["securityContext"]
        assert recipes[name].last("USER") == f"{context['runAsUser']}:{context['runAsGroup']}"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_settings_that_it_knows_and_accepts(name, objects, services):
    service, deployment = services[name], _of(objects, "Deployment")[name]
    environment = _environment(_container(deployment), objects)
    # All services get the shared settings, and each service gets its own settings.
    given = {variable for variable in environment if variable.startswith("CLIPMILL_")}
    assert given <= service.variables
    assert unknown_variables(service.settings, name, environment) == []
    settings = load_settings(service.settings, name, environment)
    assert settings.common.store_url.startswith("s3://")
    assert settings.common.nats_url == "nats://clipmill:$(NATS_PASSWORD)@nats:4222"
    grace = _template(deployment)["spec"]["terminationGracePeriodSeconds"]
    pause = _container(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert grace >= settings.common.shutdown_seconds + pause + 15


def test_the_gateway_answers_under_the_names_of_its_service_and_ingress(objects, services):
    environment = _environment(_container(_of(objects, "Deployment")["gateway"]), objects)
    environment["CLIPMILL_HOST"] = "0.0.0.0"  # set in the image
    entrance = load_settings(services["gateway"].settings, "gateway", environment).entrance()
    service = _of(objects, "Service")["gateway"]["metadata"]
    names = [service["name"], f"{service['name']}.{service['namespace']}"]
    names += [f"{names[1]}.svc", f"{names[1]}.svc.cluster.local", "10.244.0.7:8000", "localhost:8000"]
    names += [rule["host"] for found in _of(objects, "Ingress").values() for rule in found["spec"]["rules"]]
    assert [name for name in names if not entrance.accepts(name)] == []
    assert not entrance.accepts("evil.example")


def test_the_topology_job_is_given_settings_that_it_knows(objects, common_variables):
    container = _container(_of(objects, "Job")["topology"])
    environment = _environment(container, objects)
    assert {variable for variable in environment if variable.startswith("CLIPMILL_")} <= common_variables
    settings = load_settings(CommonSettings, "", environment)
    assert settings.nats_replicas == _of(objects, "StatefulSet")["nats"]["spec"]["replicas"]
    assert container["args"] == ["topology", "apply"]


def test_a_variable_stands_before_those_that_use_it(objects):
    for found in _workloads(objects):
        known = set()
        for one in _container(found).get("env", ()):
            assert set(re.findall(r"\$\((\w+)\)", one.get("value", ""))) <= known, one["name"]
            known.add(one["name"])


def test_a_pod_outlives_the_limit_of_the_work_in_it(objects, services):
    needs = {
        "downloader": lambda s: s.slots * max(s.fetch_memory_bytes, s.prepare_memory_bytes),
        "renderer": lambda s: s.slots * s.child_resident_bytes,
        "transcriber": lambda s: s.memory_mib * 2**20,
        "analyzer": lambda s: s.scenes_slots * s.detection_memory_bytes,
    }
    for name, need in needs.items():
        container = _container(_of(objects, "Deployment")[name])
        settings = load_settings(services[name].settings, name, _environment(container, objects))
        room = _bytes(container["resources"]["limits"]["memory"]) - need(settings)
        assert room >= 512 * 2**20, f"the kernel would end {name}'s pod before its own limit ends the work"


def test_the_downloader_has_the_disk_that_its_settings_ask_for(objects, services):
    deployment = _of(objects, "Deployment")["downloader"]
    settings = load_settings(
        services["downloader"].settings, "downloader", _environment(_container(deployment), objects)
    )
    [work] = _template(deployment)["spec"]["volumes"]
    assert _bytes(work["emptyDir"]["sizeLimit"]) >= 2 * settings.slots * settings.max_bytes


@pytest.mark.parametrize("name", SERVICES)
def test_probes_ask_the_health_routes_on_the_settings_port(name, objects, services):
    container = _container(_of(objects, "Deployment")[name])
    assert container["ports"] == [{"name": "http", "containerPort": services[name].port}]
    for probe, path in (("startup", "live"), ("liveness", "live"), ("readiness", "ready")):
        assert container[f"{probe}Probe"]["httpGet"] == {"path": f"/health/{path}", "port": "http"}


def test_services_lead_to_pods_and_ports_that_are_there(objects):
    for name, service in _of(objects, "Service").items():
        found = [
            workload
            for workload in _workloads(objects)
            if _selects({"matchLabels": service["spec"]["selector"]}, _template(workload)["metadata"]["labels"])
        ]
        assert len(found) == 1, name
        named = {port["name"]: port["containerPort"] for port in _container(found[0])["ports"]}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in named or (name, port["name"]) == ("nats-headless", "cluster")


def test_each_workload_that_stays_may_lose_one_pod_at_a_time(objects):
    staying = [found for found in _workloads(objects) if found["kind"] != "Job"]
    budgets = _of(objects, "PodDisruptionBudget")
    for found in staying:
        if found["metadata"]["name"] == "seaweedfs":
            continue  # a trial's store
        labels = _template(found)["metadata"]["labels"]
        [budget] = [one for one in budgets.values() if _selects(one["spec"]["selector"], labels)]
        assert budget["spec"]["maxUnavailable"] == 1


def test_pods_refer_to_objects_that_exist_or_are_promised(objects, repository):
    made = {name for kind in ("ConfigMap", "Secret") for name in _of(objects, kind)}
    readme = (repository / "deploy/README.md").read_text()
    promised = set(re.findall(r"create secret generic (\S+)", readme))
    for found in _workloads(objects):
        text = json.dumps(_template(found)["spec"])
        named = re.findall(r'"(?:configMapRef|secretRef|secretKeyRef|configMap)": (\{[^}]*\})', text)
        assert {json.loads(one)["name"] for one in named} <= made | promised


def test_only_the_local_overlay_brings_secrets(kustomize):
    assert _of(kustomize("base"), "Secret") == {}
    assert _of(kustomize("overlays/production"), "Secret") == {}
    assert len(_of(kustomize("overlays/local"), "Secret")) == 3


def test_keys_go_only_to_services_that_need_them(objects):
    holders = {
        name
        for name, deployment in _of(objects, "Deployment").items()
        if "clipmill-keys" in json.dumps(_template(deployment))
    }
    assert holders == {"gateway", "analyzer"}


def test_the_local_overlay_needs_nothing_that_a_plain_cluster_lacks(kustomize):
    objects = kustomize("overlays/local")
    assert not {found["kind"] for found in objects} & set(CUSTOM)
    for found in _workloads(objects):
        pod = _template(found)["spec"]
        assert not {"nodeSelector", "tolerations"} & set(pod)
        assert "nvidia.com/gpu" not in _container(found)["resources"]["limits"]


def test_production_gives_transcriber_and_renderer_their_own_pools(kustomize):
    deployments = _of(kustomize("overlays/production"), "Deployment")
    pools = {}
    for name, deployment in deployments.items():
        pod = _template(deployment)["spec"]
        pools[name] = pod.get("nodeSelector", {}).get("clipmill/pool")
        assert ("tolerations" in pod) == (pools[name] is not None)
        assert _container(deployment)["resources"]["limits"].get("nvidia.com/gpu") == (
            "1" if name == "transcriber" else None
        )
    assert {name: pool for name, pool in pools.items() if pool} == {"transcriber": "gpu", "renderer": "renderer"}


def test_production_scales_every_stage_on_each_of_its_consumers(kustomize):
    objects = kustomize("overlays/production")
    scaled = _of(objects, "ScaledObject")
    assert set(scaled) == set(STAGES)
    streams = {consumer.name: consumer.stream for consumer in topology.CONSUMERS}
    watched = []
    for name, found in scaled.items():
        assert found["spec"]["scaleTargetRef"]["name"] == name
        assert found["spec"]["minReplicaCount"] < found["spec"]["maxReplicaCount"]
        for trigger in found["spec"]["triggers"]:
            metadata = trigger["metadata"]
            assert metadata["stream"] == streams[metadata["consumer"]]
            assert metadata["consumer"].rpartition("_")[0] in STAGES[name]
            watched.append(metadata["consumer"])
    assert sorted(watched) == sorted(streams), "one trigger a consumer, no consumer without"


def test_keda_finds_each_nats_server_by_its_name(kustomize):
    """In a cluster KEDA asks <server name>.<endpoint>; the headless Service gives the servers these names."""
    objects = kustomize("overlays/production")
    nats = _of(objects, "StatefulSet")["nats"]
    headless = _of(objects, "Service")[nats["spec"]["serviceName"]]
    assert headless["spec"]["clusterIP"] == "None"
    assert "$(POD_NAME)" in _container(nats)["args"]
    [port] = [port["port"] for port in headless["spec"]["ports"] if port["name"] == "monitoring"]
    expected = f"{headless['metadata']['name']}.clipmill.svc.cluster.local:{port}"
    for found in _of(objects, "ScaledObject").values():
        assert {one["metadata"]["natsServerMonitoringEndpoint"] for one in found["spec"]["triggers"]} == {expected}


def test_production_scales_the_gateway_on_its_load(kustomize):
    [autoscaler] = _of(kustomize("overlays/production"), "HorizontalPodAutoscaler").values()
    assert autoscaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}
    assert autoscaler["spec"]["minReplicas"] >= 2


def test_the_nats_cluster_has_a_route_to_every_server(kustomize):
    nats = _of(kustomize("overlays/production"), "StatefulSet")["nats"]
    routes = [one["value"] for one in _container(nats)["env"] if one["name"].startswith("NATS_ROUTE_")]
    named = [re.search(r"@(.+):6222$", route)[1] for route in routes]
    assert named == [f"nats-{n}.nats-headless" for n in range(nats["spec"]["replicas"])]
    assert _container(nats)["args"][:2] == ["--config", "/etc/nats/cluster.conf"]


def test_nothing_is_allowed_by_default(objects):
    deny = _of(objects, "NetworkPolicy")["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = [_template(found)["metadata"]["labels"] for found in _workloads(objects)]
    for name, policy in _of(objects, "NetworkPolicy").items():
        assert any(_selects(policy["spec"]["podSelector"], one) for one in labels), f"{name} is about nobody"


def test_no_policy_opens_private_addresses(objects):
    private = (
        "10.1.2.3 172.16.9.9 192.168.1.1 127.0.0.1 169.254.169.254 100.64.0.1 0.0.0.0 ::1 fd00::1 fe80::1 fd00:ec2::254"
    )
    public = "1.1.1.1 93.184.216.34 2606:4700:4700::1111"
    for policy in _of(objects, "NetworkPolicy").values():
        blocks = [
            peer["ipBlock"]
            for rule in policy["spec"].get("egress", ())
            for peer in rule.get("to", ())
            if "ipBlock" in peer
        ]
        if blocks:
            assert not [one for one in private.split() if _reaches(blocks, one)]
            assert [one for one in public.split() if _reaches(blocks, one)] == public.split()


def _reaches(blocks, address: str) -> bool:
    wanted = ip_address(address)

    def within(cidr: str) -> bool:
        network = ip_network(cidr)
        return network.version == wanted.version and wanted in network

    return any(within(b["cidr"]) and not any(within(e) for e in b.get("except", ())) for b in blocks)


def test_only_downloader_and_analyzer_reach_the_internet_in_the_base(kustomize):
    outward = {
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for policy in _of(kustomize("base"), "NetworkPolicy").values()
        if "ipBlock" in json.dumps(policy)
    }
    assert outward == {"downloader", "analyzer"}


def test_policies_name_ports_that_somebody_listens_on(objects, services):
    listened = {service.port for service in services.values()} | {"http", 53, 443, 1, 4222, 6222, 8222, 8333}
    for policy in _of(objects, "NetworkPolicy").values():
        for rule in (*policy["spec"].get("egress", ()), *policy["spec"].get("ingress", ())):
            assert {port["port"] for port in rule["ports"]} <= listened


def test_the_alerts_are_those_that_have_tests(kustomize, repository):
    [rule] = _of(kustomize("overlays/production"), "PrometheusRule").values()
    assert rule["spec"] == yaml.safe_load((repository / "deploy/monitoring/alerts.yml").read_text())


def test_the_operator_scrapes_all_five_services_and_nothing_else(kustomize):
    objects = kustomize("overlays/production")
    [monitor] = _of(objects, "PodMonitor").values()
    scraped = {
        found["metadata"]["name"]
        for found in _workloads(objects)
        if _selects(monitor["spec"]["selector"], _template(found)["metadata"]["labels"])
    }
    assert scraped == set(SERVICES)


def test_the_dashboard_is_the_one_that_compose_shows(kustomize, dashboard):
    held = _of(kustomize("overlays/production"), "ConfigMap")["clipmill-dashboard"]
    assert held["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(held["data"]["pipeline.json"]) == dashboard
