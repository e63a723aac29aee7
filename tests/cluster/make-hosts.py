#!/usr/bin/python3
"""make-hosts: write N hosts (Ingress with status, Service, EndpointSlice, Gslb) into a cluster.

usage: make-hosts.py KUBECONFIG NAMESPACE N [FIRST [records]]

Host i is h<i>.gslb.example.test with the address 10.<i / 65536>.<…>.<…>.  Straight to
the API over a few connections: kubectl would take minutes.  With "records" there are only
Ingresses and, for every other host, a DNSEndpoint in its place.
"""

import base64
import http.client
import json
import queue
import ssl
import sys
import threading

import yaml

kubeconfig, namespace, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
records = sys.argv[5:] == ["records"]
config = yaml.safe_load(open(kubeconfig))
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
address = cluster["server"].removeprefix("https://")
ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
headers = {"Authorization": "Bearer " + user["token"], "Content-Type": "application/json"}
work: queue.Queue = queue.Queue()
errors: list = []


def meta(name, **more):
    return {"name": name, "namespace": namespace, **more}


def requests(i):
    name, ip = f"h{i}", f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
    at = f"/namespaces/{namespace}"
    if records and i % 2:
        yield "POST", f"/apis/externaldns.k8s.io/v1alpha1{at}/dnsendpoints", {
            "apiVersion": "externaldns.k8s.io/v1alpha1", "kind": "DNSEndpoint", "metadata": meta(name),
            "spec": {"endpoints": [{"dnsName": f"{name}.gslb.example.test", "recordType": "A", "targets": [ip]}]}}
        return
    ingress = {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(name),
        "spec": {"rules": [{"host": f"{name}.gslb.example.test", "http": {"paths": [{
            "path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": name, "port": {"number": 80}}}}]}}]},
    }
    yield "POST", f"/apis/networking.k8s.io/v1{at}/ingresses", ingress
    ingress["status"] = {"loadBalancer": {"ingress": [{"ip": ip}]}}
    yield "PUT", f"/apis/networking.k8s.io/v1{at}/ingresses/{name}/status", ingress
    if records:
        return
    yield "POST", f"/api/v1{at}/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": meta(name),
        "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}
    yield "POST", f"/apis/discovery.k8s.io/v1{at}/endpointslices", {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": meta(f"{name}-1", labels={"kubernetes.io/service-name": name}),
        "addressType": "IPv4", "ports": [{"port": 80}],
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]}
    yield "POST", f"/apis/k8gb.io/v1beta1{at}/gslbs", {
        "apiVersion": "k8gb.io/v1beta1", "kind": "Gslb", "metadata": meta(name),
        "spec": {"strategy": {"type": "roundRobin"}, "resourceRef": {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": name}}}


def worker():
    connection = http.client.HTTPSConnection(
        address, context=ssl.create_default_context(cadata=ca), timeout=30)
    while not errors:
        try:
            i = work.get_nowait()
        except queue.Empty:
            return
        for method, path, body in requests(i):
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201):
                errors.append(f"{method} {path}: {answer.status} {text.decode()}")
                return


for n in range(first, first + count):
    work.put(n)
threads = [threading.Thread(target=worker) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
if errors:
    sys.exit(errors[0])
