"""Holds the YAML files of Kubernetes, KEDA and Cloud Run against their schemas, offline; a key that is not known is wrong.

    python scripts/infra/manifests.py infra/kubernetes/api.yaml …

Prints one line for each problem, `file: kind/name: path: what`, and exits 1 if there is one. The schemas are those of
Kubernetes 1.37 (`kubernetes-validate`), of KEDA's resources (`cloudcoil-models-keda`) and of Google's discovery document
of Cloud Run (`google-api-python-client`), all of them files of pinned packages.
"""

import importlib.resources
import json
import sys
from functools import cache

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = "1.37"
CLOUD_RUN = ("serving.knative.dev/", "run.googleapis.com/")


def strict(schema):
    """The same schema, whose objects take none but the properties that they name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        made["additionalProperties"] = False
    return made


@cache
def keda_schemas():
    from cloudcoil.models.keda import v1alpha1

    kinds = (v1alpha1.ScaledJob, v1alpha1.TriggerAuthentication)
    return {kind.__name__: strict(kind.model_json_schema(by_alias=True)) for kind in kinds}


@cache
def cloud_run_schemas():
    """Google's discovery document, as JSON Schema: its types are JSON's, its references are names."""
    documents = importlib.resources.files("googleapiclient.discovery_cache") / "documents"
    found = json.loads((documents / "run.v1.json").read_text())["schemas"]
    definitions = {name: strict(plain(schema)) for name, schema in found.items()}
    return {kind: {"$ref": f"#/$defs/{kind}", "$defs": definitions} for kind in ("Service", "Job")}


def plain(schema):
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # `id`, `format`, `required` and `readOnly` mean something else there; 64-bit numbers are strings or numbers.
    kept = {key: value for key, value in schema.items() if key in ("type", "enum")}
    for key in ("items", "additionalProperties"):
        if key in schema:
            kept[key] = plain(schema[key])
    if "properties" in schema:
        kept["properties"] = {key: plain(value) for key, value in schema["properties"].items()}
    if "$ref" in schema:
        kept = {"$ref": f"#/$defs/{schema['$ref']}"}
    if schema.get("format") == "int64":
        kept["type"] = ["string", "integer"]
    if kept.get("type") == "any":
        del kept["type"]
    return kept


def problems(document):
    """What is wrong with one document: a path and a sentence each."""
    version, kind = document.get("apiVersion", ""), document.get("kind", "")
    if version.startswith("keda.sh/"):
        yield from by_schema(document, keda_schemas(), version, kind)
        template = document.get("spec", {}).get("jobTargetRef")
        if template:
            yield from by_kubernetes(
                {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": template}
            )
    elif version.startswith(CLOUD_RUN):
        yield from by_schema(document, cloud_run_schemas(), version, kind)
    else:
        yield from by_kubernetes(document)


def by_schema(document, schemas, version, kind):
    if kind not in schemas:
        yield "kind", f"there is no {kind} in {version}"
        return
    for error in jsonschema.Draft202012Validator(schemas[kind]).iter_errors(document):
        yield from leaves(error)


def leaves(error):
    """The problem that is deepest in the document: what `anyOf` says by itself helps nobody."""
    if error.context:
        deepest = max(error.context, key=lambda one: len(one.absolute_path))
        yield from leaves(deepest)
    else:
        yield ".".join(str(part) for part in error.absolute_path), error.message


def by_kubernetes(document):
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield from leaves(error)
    except kubernetes_validate.SchemaNotFoundError as error:
        yield "kind", error.message


def main(files):
    bad = False
    for file in files:
        with open(file) as stream:
            documents = [one for one in yaml.safe_load_all(stream) if one is not None]
        for document in documents:
            metadata = document.get("metadata", {})
            name = metadata.get("name") or metadata.get("generateName")
            for path, what in problems(document):
                bad = True
                print(f"{file}: {document.get('kind')}/{name}: {path}: {what}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
